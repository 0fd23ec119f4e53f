"""authorisation: the way to TikTok Shop's authorise page and back, up to a token that waits for confirmation.

A one-time state lives 30 minutes, as the Shop's code does (TikTok Shop Partner Center, "Seller authorization
guide"). The gateway only stores what comes back; the user who started it goes on in the console.

    waiting -> returned -> exchanging -> exchanged -> used
            -> refused    (also from exchanging, with a sentence)
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from core.db.engine import transaction
from core.db.tables import oauth_states
from core.domain.errors import RemoteError
from core.domain.listing import AuthorisedShop, Token
from core.domain.people import Actor
from core.domain.scopes import missing, sentence_for
from core.ports import MarketplaceAuth
from core.secrets import sealer
from core.services import audit

LIFE = timedelta(minutes=30)
_SELLER = 0
START_AGAIN = "Start again in the console under Settings, Connection."
NOT_OWNER = (
    "This TikTok account is not the Shop's main account, and only its owner can connect a Shop. Sign out of TikTok, "
    "sign in as the owner (Seller Center, Account settings, User management shows who that is), then start again."
)


class AuthorisationError(Exception):
    """The authorisation cannot go on; ``sentence`` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Started:
    """``key`` names the authorisation in the console; ``url`` is the Shop's page to send the person to."""

    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the person who comes back from the Shop is told."""

    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Pending:
    """An authorisation of one user. ``status``: waiting, returned, exchanging, exchanged or refused."""

    key: str
    app_id: int
    store_account_id: int
    status: str
    sentence: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What the Shop granted: its token (kept sealed) and the Shops it may act for."""

    key: str
    app_id: int
    store_account_id: int
    token: Token
    shops: tuple[AuthorisedShop, ...]


def start(conn: Connection, auth: MarketplaceAuth, *, app_id: int, store_account_id: int, by: Actor) -> Started:
    """A one-time state for ``by`` and the address of the Shop's authorise page. The state itself is not stored."""
    state = secrets.token_urlsafe(32)
    row = {"state_hash": _hashed(state), "app_id": app_id, "store_account_id": store_account_id, "user_id": by.id}
    conn.execute(delete(oauth_states).where(oauth_states.c.expires_at < func.now() - timedelta(days=1)))
    conn.execute(insert(oauth_states).values(expires_at=func.now() + LIFE, **row))
    audit.record(conn, user=by, action="start_authorisation", subject=f"store:{store_account_id}")
    return Started(_hashed(state).hex(), auth.authorize_url(state))


def store_return(conn: Connection, *, state: str, code: str, error: str) -> Returned:
    """Keep the code that came back, sealed. A state that is unknown, old or already used changes nothing."""
    hashed = _hashed(state)
    error = "".join(letter for letter in error if letter.isprintable())[:100]
    refused = bool(error) or code in ("", "null")
    sealed = None if refused else sealer().seal(code, _place(hashed))
    sentence = f"The authorisation was refused in TikTok Shop ({error or 'no code'}). {START_AGAIN}" if refused else ""
    kept = conn.execute(
        update(oauth_states)
        .where(
            oauth_states.c.state_hash == hashed,
            oauth_states.c.status == "waiting",
            oauth_states.c.expires_at > func.now(),
        )
        .values(status="refused" if refused else "returned", code=sealed, sentence=sentence, returned_at=func.now())
    )
    if kept.rowcount == 0:
        return Returned(
            False, f"This authorisation is unknown, was used already or is over 30 minutes old. {START_AGAIN}"
        )
    if refused:
        return Returned(False, sentence)
    return Returned(True, "TikTok Shop sent its answer. Go back to the console to confirm the Shop.")


def pending(conn: Connection, user: Actor) -> Sequence[Pending]:
    """The user's authorisations that are not over, newest first; another user's are nobody else's business."""
    s = oauth_states.c
    rows = conn.execute(
        select(s.state_hash, s.app_id, s.store_account_id, s.status, s.sentence, s.created_at)
        .where(s.user_id == user.id, s.status != "used", s.expires_at > func.now())
        .order_by(s.created_at.desc())
    )
    return [Pending(bytes(row.state_hash).hex(), *row[1:]) for row in rows]


def exchange(auth: MarketplaceAuth, key: str, by: Actor) -> Grant:
    """Trade the code for a token and list the Shops it may act for; asked again, the same grant comes back.

    Raises ``AuthorisationError``: not returned yet, not this user's, another account than the owner's, a permission
    missing, a code the Shop refuses.
    """
    hashed = bytes.fromhex(key)
    row = _take(hashed, by)
    if row.status == "exchanged":
        return _opened(row)
    try:
        token = auth.token(sealer().open(row.code, _place(hashed)))
        _check(token)
        grant = Grant(key, row.app_id, row.store_account_id, token, auth.shops(token.access_token))
    except AuthorisationError as error:
        _refuse(hashed, error.sentence)
        raise
    except RemoteError as error:
        sentence = f"TikTok Shop did not accept the authorisation: {error.sentence} {START_AGAIN}"
        _refuse(hashed, sentence)
        raise AuthorisationError(sentence) from error
    with transaction() as conn:
        sealed = sealer().seal(_packed(grant), _place(hashed))
        conn.execute(
            update(oauth_states).where(oauth_states.c.state_hash == hashed).values(status="exchanged", code=sealed)
        )
    return grant


def spend(conn: Connection, key: str, by: Actor) -> Grant:
    """The exchanged grant, for the last time: its token goes to the Shop's row in the caller's transaction."""
    s = oauth_states.c
    mine = (s.state_hash == bytes.fromhex(key), s.user_id == by.id, s.status == "exchanged")
    row = conn.execute(select(oauth_states).where(*mine, s.expires_at > func.now()).with_for_update()).one_or_none()
    if row is None:
        raise AuthorisationError(f"This authorisation was used already or is too old. {START_AGAIN}")
    conn.execute(update(oauth_states).where(*mine).values(status="used", used_at=func.now(), code=None))
    return _opened(row)


def _take(hashed: bytes, by: Actor) -> Any:
    """Only one caller trades a code, which works once."""
    s = oauth_states.c
    mine = (s.state_hash == hashed, s.user_id == by.id, s.expires_at > func.now())
    with transaction() as conn:
        row = conn.execute(select(oauth_states).where(*mine).with_for_update()).one_or_none()
        if row is None:
            raise AuthorisationError(f"This authorisation is not yours or is over 30 minutes old. {START_AGAIN}")
        if row.status == "returned":
            conn.execute(update(oauth_states).where(*mine).values(status="exchanging"))
        elif row.status != "exchanged":
            raise AuthorisationError(row.sentence or _not_now(row.status))
    return row


def _not_now(status: str) -> str:
    if status == "waiting":
        return "TikTok Shop has not answered yet: approve the app on its page first."
    return f"This authorisation is being used already. {START_AGAIN}"


def _check(token: Token) -> None:
    if token.user_type != _SELLER:
        raise AuthorisationError(NOT_OWNER)
    lacking = [scope for scope in missing(token.scopes) if scope.essential]
    if lacking:
        raise AuthorisationError(sentence_for(lacking))


def _refuse(hashed: bytes, sentence: str) -> None:
    with transaction() as conn:
        ending = update(oauth_states).where(oauth_states.c.state_hash == hashed)
        conn.execute(ending.values(status="refused", sentence=sentence, code=None))


def _packed(grant: Grant) -> str:
    return json.dumps(dataclasses.asdict(grant), default=datetime.isoformat)


def _opened(row: Any) -> Grant:
    values = json.loads(sealer().open(row.code, _place(bytes(row.state_hash))))
    token = values["token"]
    moments = {name: datetime.fromisoformat(token[name]) for name in ("access_expires_at", "refresh_expires_at")}
    return Grant(
        key=values["key"],
        app_id=row.app_id,
        store_account_id=row.store_account_id,
        token=Token(**token | moments | {"scopes": tuple(token["scopes"])}),
        shops=tuple(AuthorisedShop(**shop) for shop in values["shops"]),
    )


def _hashed(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()


def _place(hashed: bytes) -> str:
    return f"oauth_states/{hashed.hex()}/code"
