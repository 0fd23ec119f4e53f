"""Whether a connection may act now. Jobs ask before they start and before every write (law 6, disconnecting)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from core.db.engine import transaction
from core.db.tables import connections, shops, store_accounts


class NotLive(Exception):
    """The connection may not act; work for it is parked, not failed. ``sentence`` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class LiveConnection:
    """``currency`` and ``country`` are the store's; ``region`` the Shop's, which fits them."""

    id: int
    store_account_id: int
    shop_id: int
    name: str
    region: str
    country: str
    currency: str


_C, _S, _A = connections.c, shops.c, store_accounts.c
_COLUMNS = (_C.id, _C.store_account_id, _C.shop_id, _C.name, _S.region, _A.country, _A.currency)
_STATE = (_C.disconnected_at, _C.blocked_sentence, _S.status, _S.status_sentence)
_JOINED = connections.join(shops, _S.id == _C.shop_id).join(store_accounts, _A.id == _C.store_account_id)
# Asked often: the statement is built once.
_WANTED = select(*_COLUMNS, *_STATE).select_from(_JOINED).where(_C.id == bindparam("connection_id"))
# ``require_live`` as a condition of a statement that is given ``:connection``.
IS_LIVE: Final = """
    EXISTS (
        SELECT FROM connections JOIN shops ON shops.id = connections.shop_id
        WHERE connections.id = :connection AND connections.disconnected_at IS NULL AND shops.status = 'ok'
            AND connections.blocked_sentence = ''
    )
"""


def require_live(conn: Connection, connection_id: int) -> LiveConnection:
    """The connection, when it may act. Raises ``NotLive``."""
    row = conn.execute(_WANTED, {"connection_id": connection_id}).one_or_none()
    if row is None:
        raise NotLive(f"There is no connection {connection_id}.")
    if row.disconnected_at is not None:
        raise NotLive(f"{row.name} is disconnected: reconnect it in Settings.")
    if row.status != "ok":
        raise NotLive(row.status_sentence or f"{row.name} must be authorised again in Settings.")
    if row.blocked_sentence:
        raise NotLive(row.blocked_sentence)
    return LiveConnection(*row[: len(_COLUMNS)])


def live(connection_id: int) -> LiveConnection:
    """``require_live`` in a transaction of its own."""
    with transaction() as conn:
        return require_live(conn, connection_id)


def ends_of(connection_id: int) -> tuple[int, int]:
    """The Shop's and the store account's id of a connection, live or not."""
    wanted = select(connections.c.shop_id, connections.c.store_account_id).where(connections.c.id == connection_id)
    with transaction() as conn:
        row = conn.execute(wanted).one()
    return row.shop_id, row.store_account_id
