"""shop_token: one Shop's tokens, sealed at rest, refreshed by one process at a time.

A refresh is a lease on the shop's row, taken and checked on the database's clock. The loser waits and reads the
token again. Between the Shop's answer and our commit lies a moment in which a crash loses a rotated pair: then the
stored pair is tried once more and, when refused, a person authorises the Shop again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from sqlalchemy import Connection, func, or_, select, update

from core.db.engine import now, transaction
from core.db.tables import connections, shops
from core.domain.errors import Expired, Refused, RemoteError, Temporary
from core.domain.listing import Token
from core.ports import MarketplaceAuth
from core.secrets import sealer
from core.services.issues import close_issue, open_issue

EARLY = timedelta(days=1)
# Longer than the HTTP client's whole time budget, so that a lease never runs out under a living call.
LEASE = timedelta(seconds=45)
_WAIT_S, _WAIT_STEP_S = 50.0, 0.15
EXPIRED_CODE = "shop_expired"


@dataclass(frozen=True, slots=True)
class _Stored:
    name: str
    status: str
    sentence: str
    access: str
    access_ends: datetime | None
    refresh: str


class ShopTokenVault:
    """The ``TokenVault`` of one row of ``shops``. Opens its own short transactions."""

    def __init__(self, shop_id: int, auth: MarketplaceAuth) -> None:
        self._shop_id = shop_id
        self._auth = auth

    def access_token(self) -> str:
        """The present token, renewed first when less than a day is left.

        While the present one works, failing to renew it stops nothing: it is tried again when the lease ends. Raises
        ``Expired`` when a person has to reconnect, ``Temporary`` when the token ran out and cannot be renewed now.
        """
        stored = self._usable()
        left = stored.access_ends - now() if stored.access_ends else timedelta(0)
        if left > EARLY:
            return stored.access
        return self._renewed(stored.access, early=left > timedelta(0))

    def refresh(self, rejected: str) -> str:
        """A token newer than ``rejected``. Raises ``Expired`` or ``Temporary`` as above."""
        return self._renewed(rejected, early=False)

    def _renewed(self, old: str, *, early: bool) -> str:
        """One process renews; the others wait or, while the old token works, go on with it."""
        ends = time.monotonic() + _WAIT_S
        while True:
            stored = self._usable()
            if stored.access != old:
                return stored.access
            attempt = self._take_lease()
            if attempt is not None:
                return self._renew_as(attempt, old, early=early)
            if early:
                return old
            if time.monotonic() > ends:
                raise Temporary(f"The token of {stored.name} is being renewed by another process for too long.")
            time.sleep(_WAIT_STEP_S)

    def _renew_as(self, attempt: int, old: str, *, early: bool) -> str:
        """The lease is ours; somebody may have finished just before we took it, so look once more."""
        stored = self._usable()
        if stored.access != old:
            self._release(attempt)
            return stored.access
        try:
            token = self._auth.refresh(stored.refresh)
        except RemoteError as error:
            if early:
                self._warn(stored, error)
                return old
            if isinstance(error, Expired | Refused):
                self._give_up(attempt, stored.name, error)
            self._release(attempt)
            raise Temporary(f"The token of {stored.name} could not be renewed: {error.sentence}") from error
        with transaction() as conn:
            if save_token(conn, self._shop_id, token, attempt=attempt):
                return token.access_token
        return self._usable().access

    def _usable(self) -> _Stored:
        with transaction() as conn:
            stored = _read(conn, self._shop_id)
        if stored.status != "ok" or not stored.refresh:
            raise Expired(stored.sentence or f"{stored.name} must be authorised again in Settings.")
        return stored

    def _take_lease(self) -> int | None:
        free = or_(shops.c.refresh_lease_until.is_(None), shops.c.refresh_lease_until < func.clock_timestamp())
        taking = (
            update(shops)
            .where(shops.c.id == self._shop_id, free)
            .values(refresh_lease_until=func.clock_timestamp() + LEASE, refresh_attempt=shops.c.refresh_attempt + 1)
        )
        with transaction() as conn:
            return conn.execute(taking.returning(shops.c.refresh_attempt)).scalar_one_or_none()

    def _release(self, attempt: int) -> None:
        mine = (shops.c.id == self._shop_id, shops.c.refresh_attempt == attempt)
        with transaction() as conn:
            conn.execute(update(shops).where(*mine).values(refresh_lease_until=None))

    def _warn(self, stored: _Stored, error: RemoteError) -> None:
        """The token still works for a while: say so where it is for good. The lease runs on, so that the next try
        is not made by the very next call."""
        if not isinstance(error, Expired | Refused):
            return
        ends = f"{stored.access_ends:%d %b %Y %H:%M} GMT" if stored.access_ends else "soon"
        sentence = f"{stored.name} must be reconnected before {ends}: its token cannot be renewed. ({error.sentence})"
        with transaction() as conn:
            _open_issues(conn, self._shop_id, sentence)

    def _give_up(self, attempt: int, name: str, error: RemoteError) -> NoReturn:
        """Refused for good: park the Shop, unless somebody reconnected it meanwhile."""
        with transaction() as conn:
            sentence = expire_shop(conn, self._shop_id, error.sentence, attempt=attempt)
        raise Expired(
            sentence or f"{name} was reconnected meanwhile: try again.", code=error.code, request_id=error.request_id
        ) from error


def save_token(conn: Connection, shop_id: int, token: Token, *, attempt: int | None = None) -> bool:
    """Store both tokens of a pair in one statement and end every refresh under way.

    With ``attempt`` only while that lease is still ours (False when it is not); without, the pair comes from a fresh
    authorisation and wins over any refresh.
    """
    seal = sealer().seal
    values = {
        "access_token": seal(token.access_token, _place(shop_id, "access_token")),
        "access_expires_at": token.access_expires_at,
        "refresh_token": seal(token.refresh_token, _place(shop_id, "refresh_token")),
        "refresh_expires_at": token.refresh_expires_at,
        "status": "ok",
        "status_sentence": "",
        "refresh_lease_until": None,
    }
    if token.scopes:
        values["scopes"] = list(token.scopes)
    saving = update(shops).where(shops.c.id == shop_id)
    if attempt is None:
        values["refresh_attempt"] = shops.c.refresh_attempt + 1
    else:
        saving = saving.where(shops.c.refresh_attempt == attempt)
    saved = conn.execute(saving.values(values)).rowcount == 1
    if saved:
        close_issue(conn, subject=("shop", str(shop_id)), code=EXPIRED_CODE)
    return saved


def expire_shop(
    conn: Connection, shop_id: int, reason: str, *, attempt: int | None = None, status: str = "expired"
) -> str:
    """Mark the Shop as no longer letting us in and open an issue for each live connection; its jobs are parked by
    ``require_live`` from now on. Returns the sentence shown, empty when ``attempt`` is no longer the newest."""
    marking = update(shops).where(shops.c.id == shop_id)
    if attempt is not None:
        marking = marking.where(shops.c.refresh_attempt == attempt)
    name = conn.execute(select(shops.c.name).where(shops.c.id == shop_id)).scalar_one()
    sentence = f"{name} no longer lets Crossdock in: reconnect it in Settings. ({reason})"
    marked = conn.execute(marking.values(status=status, status_sentence=sentence, refresh_lease_until=None))
    if marked.rowcount == 0:
        return ""
    _open_issues(conn, shop_id, sentence)
    return sentence


def _open_issues(conn: Connection, shop_id: int, sentence: str) -> None:
    """One for each live connection of the Shop; connecting it again closes them."""
    live = select(connections.c.id).where(connections.c.shop_id == shop_id, connections.c.disconnected_at.is_(None))
    for connection_id in conn.execute(live).scalars().all():
        open_issue(
            conn,
            connection_id=connection_id,
            subject=("shop", str(shop_id)),
            code=EXPIRED_CODE,
            sentence=sentence,
            fix="The Shop's owner authorises the app again; nothing that waits is lost.",
            link="settings",
        )


def _read(conn: Connection, shop_id: int) -> _Stored:
    row = conn.execute(select(shops).where(shops.c.id == shop_id)).one()

    def opened(column: str) -> str:
        sealed = row._mapping[column]
        return sealer().open(sealed, _place(shop_id, column)) if sealed else ""

    return _Stored(
        name=row.name,
        status=row.status,
        sentence=row.status_sentence,
        access=opened("access_token"),
        access_ends=row.access_expires_at,
        refresh=opened("refresh_token"),
    )


def _place(shop_id: int, column: str) -> str:
    return f"shops/{shop_id}/{column}"
