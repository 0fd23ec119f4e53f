"""Writes to the store's stock of which nobody can tell whether they arrived: a person has to say (G5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import String, cast, select

from core.db.tables import connections, issues, variants
from core.domain.stock import WRITE_UNKNOWN
from core.reads.paging import Count, count_capped, reading

SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class UnsettledWrite:
    """``sentence`` says what was meant and what the store has now; ``fix`` what to do."""

    variant_id: int
    sku: str
    sentence: str
    fix: str
    since: datetime


@dataclass(frozen=True, slots=True)
class UnsettledWrites:
    """The oldest ``SHOWN`` of them, and how many there are."""

    shown: tuple[UnsettledWrite, ...]
    count: Count


def unsettled_writes(connection_id: int, variant_id: int | None = None) -> UnsettledWrites:
    """Those of the connection's store, whichever connection met them; of one variant where it is given."""
    i, v, c = issues.c, variants.c, connections.c
    joined = issues.join(variants, cast(v.id, String) == i.subject_id)
    joined = joined.join(connections, c.store_account_id == v.store_account_id)
    wanted = select(v.id, v.sku, i.sentence, i.fix, i.opened_at).select_from(joined)
    wanted = wanted.where(
        c.id == connection_id, i.subject_kind == "variant", i.code == WRITE_UNKNOWN, i.closed_at.is_(None)
    )
    if variant_id is not None:
        wanted = wanted.where(v.id == variant_id)
    with reading() as conn:
        rows = conn.execute(wanted.order_by(i.opened_at, i.id).limit(SHOWN)).all()
        return UnsettledWrites(tuple(UnsettledWrite(*row) for row in rows), count_capped(conn, wanted))
