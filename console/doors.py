"""Signing in and out: /login with a password, /sign-in with a link that works once, /logout."""

from __future__ import annotations

import hmac
import secrets
from html import escape
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from console.gate import SESSION_COOKIE
from core.services import people
from core.services.database import transaction

CSRF_COOKIE = "crossdock_csrf"
_SESSION_SECONDS = 12 * 3600
_MOST_FORM_BYTES = 8_192
_PAGE = (Path(__file__).parent / "static" / "door.html").read_text()

LOGIN_FIELDS = """
<label for="login">User name</label>
<input id="login" name="login" autocomplete="username" autofocus required maxlength="100">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200">
<button>Sign in</button>
"""


def login_page(request: Request) -> Response:
    return _door(request, LOGIN_FIELDS, action="/login")


async def login(request: Request) -> Response:
    form = await _form(request)
    if form is None or not _from_our_form(request, form):
        return _door(request, LOGIN_FIELDS, action="/login", sentence=_STALE, status=403)
    return await run_in_threadpool(_check_password, request, form.get("login", ""), form.get("password", ""))


def _check_password(request: Request, name: str, password: str) -> Response:
    with transaction() as connection:
        done = people.sign_in(connection, name, password, _address(request))
    if done.token is None:
        return _door(request, LOGIN_FIELDS, action="/login", sentence=done.sentence, status=401)
    return _welcome(request, done.token)


def link_page(request: Request) -> Response:
    """Looking at the link does not spend it, so that a mail scanner or a preview cannot."""
    if not _on_this_machine(request):
        return _door(request, "", action="", sentence=_ELSEWHERE, status=403)
    token = request.query_params.get("token", "")
    with transaction() as connection:
        good = people.link_is_good(connection, token)
    if not good:
        return _door(request, _TO_LOGIN, action="", sentence=_SPENT, status=410)
    fields = f'<input type="hidden" name="token" value="{escape(token, quote=True)}"><button autofocus>Sign in</button>'
    return _door(request, fields, action="/sign-in")


async def spend_link(request: Request) -> Response:
    form = await _form(request)
    if not _on_this_machine(request):
        return _door(request, "", action="", sentence=_ELSEWHERE, status=403)
    if form is None or not _from_our_form(request, form):
        return _door(request, _TO_LOGIN, action="", sentence=_STALE, status=403)
    return await run_in_threadpool(_spend, request, form.get("token", ""))


def _spend(request: Request, token: str) -> Response:
    with transaction() as connection:
        session = people.spend_sign_in_link(connection, token, _address(request))
    if session is None:
        return _door(request, _TO_LOGIN, action="", sentence=_SPENT, status=410)
    return _welcome(request, session)


async def logout(request: Request) -> Response:
    form = await _form(request)
    if form is None or not _from_our_form(request, form):
        return _door(request, _TO_LOGIN, action="", sentence=_STALE, status=403)
    return await run_in_threadpool(_leave, request)


def _leave(request: Request) -> Response:
    with transaction() as connection:
        people.end_session(connection, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


DOORS = [
    Route("/login", login_page, methods=["GET"]),
    Route("/login", login, methods=["POST"]),
    Route("/sign-in", link_page, methods=["GET"]),
    Route("/sign-in", spend_link, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
]

_STALE = "This form has gone stale. Try once more."
_SPENT = "This link was used already or is older than 15 minutes. Print another with: python3 run.py sign-in"
_ELSEWHERE = "Sign-in links work only in a browser on the machine that Crossdock runs on. Sign in with a password."
_TO_LOGIN = '<p><a href="/login">Sign in with a password</a></p>'


def _door(request: Request, fields: str, *, action: str, sentence: str = "", status: int = 200) -> Response:
    """The small page around a form. A CSRF cookie that is there is kept: another tab may hold its form."""
    csrf = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
    hidden = f'<input type="hidden" name="csrf" value="{escape(csrf, quote=True)}">'
    form = f'<form method="post" action="{action}">{hidden}{fields}</form>' if action else fields
    told = f'<p class="wrong" role="alert">{escape(sentence)}</p>' if sentence else ""
    answer = HTMLResponse(_PAGE.replace("<!-- sentence -->", told).replace("<!-- form -->", form), status)
    answer.headers["cache-control"] = "no-store"
    answer.set_cookie(CSRF_COOKIE, csrf, path="/", httponly=True, samesite="strict", secure=_is_https(request))
    return answer


def _welcome(request: Request, token: str) -> Response:
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=_SESSION_SECONDS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
    )
    return answer


async def _form(request: Request) -> dict[str, str] | None:
    """The form, or None when it is larger than any of ours."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _MOST_FORM_BYTES:
        return None
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True, max_num_fields=10))


def _from_our_form(request: Request, form: dict[str, str]) -> bool:
    held, given = request.cookies.get(CSRF_COOKIE, ""), form.get("csrf", "")
    origin = request.headers.get("origin", "")
    same_origin = not origin or urlsplit(origin).netloc == request.headers.get("host", "")
    return bool(held) and same_origin and hmac.compare_digest(held.encode(), given.encode())


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def _on_this_machine(request: Request) -> bool:
    """A proxy on this machine speaks for others and says so in a header.

    Who asks at an address of this machine other than loopback comes from that very address if he is on it.
    """
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    asked_at = request.scope.get("server") or ("", None)
    try:
        address = ip_address(_address(request))
        return address.is_loopback or address == ip_address(asked_at[0])
    except ValueError:
        return False
