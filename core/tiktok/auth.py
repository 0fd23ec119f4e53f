"""TikTok Shop's authorisation: the page the seller approves on, and the token host.

TikTok Shop Partner Center, "Authorization overview" and "Seller authorization guide". The token host is not signed,
answers failures with HTTP 200 and a code, and names absolute Unix times ``…_expire_in``.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from core.domain.errors import Expired
from core.domain.listing import AuthorisedShop, Token
from core.http.client import Answer, Call, HttpClient, Verdict
from core.tiktok import endpoints, errors, mapping
from core.tiktok.calls import App, SignedCalls, read_envelope

_GET = "/api/v2/token/get"
_REFRESH = "/api/v2/token/refresh"


class TikTokAuth:
    """One TikTok app; implements ``ports.MarketplaceAuth``."""

    def __init__(
        self,
        http: HttpClient,
        *,
        auth_url: str,
        authorize_url: str,
        api_url: str,
        app_key: str,
        app_secret: str,
        service_id: str,
    ) -> None:
        self._http = http
        self._auth_url, self._authorize_url = auth_url, authorize_url
        self._app = App(api_url, app_key, app_secret)
        self._service_id = service_id

    def authorize_url(self, state: str) -> str:
        """Where the seller's main account approves; TikTok sends it back to the address registered for the app."""
        return f"{self._authorize_url}/open/authorize?{urlencode({'service_id': self._service_id, 'state': state})}"

    def token(self, code: str) -> Token:
        """Trade the code of the return for tokens. It works once and for 30 minutes.

        Raises ``Expired`` when the code was used or is too old.
        """
        return self._ask(_GET, {"auth_code": code, "grant_type": "authorized_code"})

    def refresh(self, refresh_token: str) -> Token:
        """A new pair of tokens; store both. Raises ``Expired`` when the seller has to authorise again."""
        return self._ask(_REFRESH, {"refresh_token": refresh_token, "grant_type": "refresh_token"})

    def shops(self, access_token: str) -> tuple[AuthorisedShop, ...]:
        calls = SignedCalls(
            self._http, self._app, vault=_OneToken(access_token), cipher=None, account=self._app.app_key
        )
        return calls.call(endpoints.AUTHORIZED_SHOPS, read=mapping.authorised_shops)

    def _ask(self, path: str, query: Mapping[str, str]) -> Token:
        """Never repeated here: a code works once, and a refresh token may too. The vault decides."""
        call = Call(
            remote="tiktok",
            account=self._app.app_key,
            method="GET",
            url=self._auth_url + path,
            endpoint=path,
            query={"app_key": self._app.app_key, "app_secret": self._app.app_secret, **query},
        )
        tokens: list[Token] = []

        def judge(answer: Answer) -> Verdict:
            envelope = read_envelope(answer)
            code, request_id = envelope.text("code"), envelope.text("request_id")
            if code != "0":
                raise errors.auth_error_of(code, envelope.text("message"), request_id)
            tokens.append(mapping.token(envelope.part("data")))
            return code, request_id

        self._http.send(call, classify=judge)
        return tokens[0]


class _OneToken:
    """A token just received, which nobody keeps yet."""

    def __init__(self, token: str) -> None:
        self._token = token

    def access_token(self) -> str:
        return self._token

    def refresh(self, rejected: str) -> str:
        raise Expired("TikTok Shop does not accept the token it has just given. Authorise the Shop again.")
