"""The authorize page sellers see, and the token host (Partner Center, Seller authorization guide)."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import demo
from sandbox.calls import Call, route
from sandbox.database import Row
from sandbox.tiktok import accounts
from sandbox.tiktok.answers import Refused, TikTokVoice, failure, success
from sandbox.world import World

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="font-family:sans-serif;max-width:34rem;margin:3rem auto"><h1>{title}</h1>{body}</body></html>"""
FORM = """<p>An app with the service id <b>{service_id}</b> asks to act for your shop.</p>
<form method="post" action="/open/authorize">
<input type="hidden" name="service_id" value="{service_id}"><input type="hidden" name="state" value="{state}">
<p><label>Account <select name="account">{options}</select></label></p>
<p><button name="decision" value="approve">Approve</button> <button name="decision" value="deny">Deny</button></p>
</form>"""
ONLY_MAIN = "Only the main account of a shop can approve an app. Ask its owner to sign in and approve."
UNKNOWN_SERVICE = "Service does not exist. Check the service id; it is not the app key."
GRANT_TYPES_OF_REFRESH = ("refresh_token", "authorized_code")


def routes(world: World) -> list[BaseRoute]:
    """Authorize page and token host."""
    pages, voice = _AuthPages(world), TikTokVoice()
    return [
        route(world, voice, "GET", "/open/authorize", pages.form),
        route(world, voice, "POST", "/open/authorize", pages.decide),
        route(world, voice, "GET", "/api/v2/token/get", pages.token_get),
        route(world, voice, "GET", "/api/v2/token/refresh", pages.token_refresh),
        Route("/api/v2/token/{name}", _not_found, methods=["POST", "PUT", "DELETE"]),
    ]


async def _not_found(_request: Request) -> Response:
    return PlainTextResponse("404 page not found", 404)


class _AuthPages:
    def __init__(self, world: World) -> None:
        self._world = world

    def form(self, call: Call) -> Response:
        """Choose an account, approve or deny."""
        if self._service(call.query.get("service_id", "")) is None:
            return _page("TikTok Shop", f"<p>{UNKNOWN_SERVICE}</p>", 404)
        options = "".join(
            f'<option value="{escape(one.login)}">{escape(one.login)}, {escape(one.seller_name)}'
            f"{'' if one.is_owner else ' (staff)'}</option>"
            for one in demo.TIKTOK_ACCOUNTS
        )
        state, service_id = escape(call.query.get("state", "")), escape(call.query["service_id"])
        return _page("Authorize this app", FORM.format(service_id=service_id, state=state, options=options))

    def decide(self, call: Call) -> Response:
        """Back to the app's registered address with a code, or with `auth_denied`."""
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        service = self._service(form.get("service_id", ""))
        account = accounts.account(form.get("account", ""))
        if service is None or account is None:
            return _page("TikTok Shop", f"<p>{UNKNOWN_SERVICE}</p>", 404)
        if form.get("decision") != "approve":
            return _back(service, {"code": "null", "error": "auth_denied"}, form)
        if not account.is_owner:
            return _page("Authorize this app", f"<p>{ONLY_MAIN}</p>", 403)
        region = accounts.shop(self._world, account.shop_id).region
        code = accounts.issue_code(self._world, service["app_key"], account.login)
        extra = {"app_key": service["app_key"], "locale": f"en-{region}", "shop_region": region}
        return _back(service, {"code": code} | extra, form)

    def token_get(self, call: Call) -> Response:
        """Code for tokens."""
        return self._token(call, "auth_code", ("authorized_code",))

    def token_refresh(self, call: Call) -> Response:
        """Refresh token for tokens. The official SDK sends `authorized_code` here, so both grant types pass."""
        return self._token(call, "refresh_token", GRANT_TYPES_OF_REFRESH)

    def _token(self, call: Call, credential: str, grant_types: tuple[str, ...]) -> Response:
        """Failures come with HTTP 200, unlike on the API host."""
        for name in ("app_key", "app_secret", credential, "grant_type"):
            if not call.query.get(name):
                return failure(Refused(98001004, f"Parameter {name} is invalid. Reason: it is missing."))
        if call.query["grant_type"] not in grant_types:
            return failure(Refused(98001004, f"Parameter grant_type is invalid. Expected: {grant_types[0]}"))
        app = accounts.app(self._world, call.query["app_key"])
        if app is None or app["app_secret"] != call.query["app_secret"]:
            return failure(Refused(98001004, "Parameter app_key or app_secret is invalid."))
        trade = accounts.spend_code if credential == "auth_code" else accounts.refresh
        try:
            return success(trade(self._world, app["app_key"], call.query[credential]), "success")
        except Refused as error:
            return failure(error)

    def _service(self, service_id: str) -> Row | None:
        return self._world.db.one("SELECT * FROM tt_apps WHERE service_id = ?", (service_id,))


def _back(service: Row, given: dict[str, str], form: dict[str, str]) -> Response:
    if form.get("state"):
        given = given | {"state": form["state"]}
    glue = "&" if "?" in service["redirect_url"] else "?"
    return RedirectResponse(service["redirect_url"] + glue + urlencode(given), 302)


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(title=escape(title), body=body), status)
