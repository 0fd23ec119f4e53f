"""stock_check: every SKU of a Shop against what it should offer, corrected, with a log of before and after (G6, K3).

Nightly at 02:00 in London, once per local day and connection, which the schema holds; on demand at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.bulk import upsert_rows
from core.db.engine import transaction
from core.db.leases import is_free, release_lease, renew_lease, take_lease
from core.db.tables import connections, listing_skus, listings, stock_check_items, stock_checks
from core.domain.counting import counted
from core.domain.errors import RemoteError
from core.domain.occurrences import Daily, is_late, last_due
from core.domain.stock import LEFT_ALONE, cause_of, sentence_of
from core.logs import log
from core.ports import Marketplace
from core.queue import defer
from core.services.live import NotLive, require_live
from core.services.low_stock import judge_low_stock
from core.services.price_stock_rows import lock_rows
from core.services.runs import start_run
from core.services.settings_of_connection import load_settings
from core.services.stock_compare import Found, compare, count_live, differences
from core.services.stock_offers import Ground, load_ground, mapped_warehouse, takes_stock
from core.services.stock_read_back import MOST, Asked, database_time, store_levels

NIGHTLY = Daily(time(2), "Europe/London", timedelta(hours=12))
FIX_RUN = "stock_fix_run"
_LEASE_S = 60.0
_COME_BACK_S = 30


def start_check(connection_id: int, by: str) -> int:
    """Queue a check on demand; the check's id, of the one under way where there is one."""
    c = stock_checks.c
    with transaction() as conn:
        require_live(conn, connection_id)
        # Of two people who ask at once, the second waits here and finds the check of the first.
        conn.execute(select(connections.c.id).where(connections.c.id == connection_id).with_for_update(key_share=True))
        open_one = select(c.id).where(c.connection_id == connection_id, c.finished_at.is_(None))
        running = conn.execute(open_one.order_by(c.id.desc()).limit(1)).scalar()
        if running is not None:
            check_id: int = running
        else:
            row = {"connection_id": connection_id, "kind": "on demand", "started_by": by}
            check_id = conn.execute(insert(stock_checks).values(row).returning(c.id)).scalar_one()
        _queue(conn, check_id)
    return check_id


def start_nightly(connection_id: int, present: datetime, *, due: datetime | None = None) -> int | None:
    """Queue tonight's check; None when it was queued already, however often and wherever this is called, or when
    the connection does not want it. A check that begins more than five minutes after it was due is marked late.

    ``due``: the moment it was due at, where that is known; else the last one before ``present``.
    """
    due = due or last_due(NIGHTLY, present)
    day = due.astimezone(ZoneInfo(NIGHTLY.zone)).date().isoformat()
    row = {"connection_id": connection_id, "kind": "nightly", "local_day": day, "due_at": due, "started_by": "clock"}
    with transaction() as conn:
        require_live(conn, connection_id)
        if not load_settings(conn, connection_id).nightly_stock_check:
            return None
        made = insert(stock_checks).values(**row, late=is_late(due, present)).on_conflict_do_nothing()
        check_id: int | None = conn.execute(made.returning(stock_checks.c.id)).scalar()
        if check_id is not None:
            _queue(conn, check_id)
    return check_id


def _queue(conn: Connection, check_id: int, *, after_seconds: int = 0) -> None:
    defer(conn, "stock_check", once=f"stock_check:{check_id}", after_seconds=after_seconds, check_id=check_id)


def resume_checks(connection_id: int) -> None:
    """Queue the checks that began and that nobody works on: their job met a connection that was not live, or was lost.

    Raises ``NotLive``.
    """
    c = stock_checks.c
    open_ones = select(c.id).where(c.connection_id == connection_id, c.finished_at.is_(None), c.run_id.is_(None))
    with transaction() as conn:
        require_live(conn, connection_id)
        waiting = list(conn.scalars(open_ones.order_by(c.id)))
        if waiting and is_free(conn, _lease_name(connection_id)):
            for check_id in waiting:
                _queue(conn, check_id)


def _lease_name(connection_id: int) -> str:
    return f"stock_check:{connection_id}"


def connection_of_check(check_id: int) -> int:
    with transaction() as conn:
        found: int = conn.execute(
            select(stock_checks.c.connection_id).where(stock_checks.c.id == check_id)
        ).scalar_one()
    return found


def run_check(market: Marketplace, check_id: int) -> None:
    """The job ``stock_check``: read what the Shop shows, compare, and queue the corrections.

    It may be killed and run again: what was read since the check began is not read twice. While another check of
    the connection is under way it comes back later. Raises what the Shop raises, after noting the sentence.
    """
    with transaction() as conn:
        check = conn.execute(select(stock_checks).where(stock_checks.c.id == check_id)).one()
    if check.finished_at is not None or check.run_id is not None:
        return
    name = _lease_name(check.connection_id)
    attempt = take_lease(name, seconds=_LEASE_S)
    if attempt is None:
        with transaction() as conn:
            _queue(conn, check_id, after_seconds=_COME_BACK_S)
        return
    try:
        if _read_all(market, check, _Lease(name, attempt)):
            _judge(check)
    except (RemoteError, NotLive) as trouble:
        _note(check_id, trouble.sentence)
        raise
    finally:
        release_lease(name, attempt)


@dataclass(frozen=True, slots=True)
class _Lease:
    name: str
    attempt: int

    def still_ours(self) -> bool:
        return renew_lease(self.name, self.attempt, seconds=_LEASE_S)


def _read_all(market: Marketplace, check: Any, lease: _Lease) -> bool:
    """Read every SKU's in-shop quantity, 600 a call; False when another worker took the check over."""
    last, read = 0, 0
    while lease.still_ours():
        with transaction() as conn:
            require_live(conn, check.connection_id)
            asked = _unread(conn, check.connection_id, check.started_at, last)
        if not asked:
            return True
        asked_at = database_time()
        levels = market.inventory([one.sku_id for one in asked])
        read, last = read + len(asked), asked[-1].row_id
        with transaction() as conn:
            store_levels(conn, asked, levels, asked_at)
            note = f"{read:,} SKUs are read."
            conn.execute(update(stock_checks).where(stock_checks.c.id == check.id).values(sentence=note))
    return False


def _unread(conn: Connection, connection_id: int, since: datetime, last: int) -> list[Asked]:
    s = listing_skus.c
    joined = listing_skus.join(listings, listings.c.id == s.listing_id)
    mine = (s.connection_id == connection_id, s.ended_at.is_(None), s.remote_id.is_not(None), s.id > last)
    stale = or_(s.read_back_at.is_(None), s.read_back_at < since)
    columns = (s.id, s.remote_id, listings.c.draft["warehouse_id"].astext.label("listed_in"))
    wanted = select(*columns).select_from(joined).where(*mine, stale, *takes_stock())
    ours = mapped_warehouse(conn, connection_id)
    rows = conn.execute(wanted.order_by(s.id).limit(MOST))
    return [Asked(row.id, row.remote_id, row.listed_in if ours is None else ours) for row in rows]


def _judge(check: Any) -> None:
    """Compare, keep every difference with its cause, and queue the corrections: one transaction."""
    check_id, connection_id = check.id, check.connection_id
    with transaction() as conn:
        ground = load_ground(conn, require_live(conn, connection_id))
        conn.execute(stock_check_items.delete().where(stock_check_items.c.check_id == check_id))
        found = _keep_differences(conn, ground, check) if _is_ours_to_keep(ground) else 0
        i = stock_check_items.c
        wrong = select(i.listing_sku_id).where(i.check_id == check_id, i.outcome == "found")
        run_id = _queue_fixes(conn, connection_id, check_id, wrong, "clock")
        compared, uncompared = count_live(conn, connection_id, check.started_at)
        values: dict[str, Any] = {
            "compared": compared,
            "uncompared": uncompared,
            "found": found,
            "remaining": found,
            "run_id": run_id,
        }
        if run_id is None:
            values |= {"finished_at": func.now(), "sentence": _sentence(found, 0, uncompared)}
        conn.execute(update(stock_checks).where(stock_checks.c.id == check_id).values(**values))
        judge_low_stock(conn, connection_id)
    log().info("stock compared", action="stock_check", check=check_id, found=found)


def _is_ours_to_keep(ground: Ground) -> bool:
    """Whether we send stock at all; otherwise the Shop's own numbers stay (G9, M9)."""
    return ground.settings.inventory_upload and ground.warehouse != ""


def _keep_differences(conn: Connection, ground: Ground, check: Any) -> int:
    compare(conn, ground)
    count = 0
    for page in differences(conn, ground, check.started_at):
        rows = [_item(check.id, found) for found in page]
        upsert_rows(conn, stock_check_items, rows, key=("check_id", "listing_sku_id"))
        count += len(rows)
    return count


def _item(check_id: int, found: Found) -> dict[str, Any]:
    cause = cause_of(found.difference)
    return {
        "check_id": check_id,
        "listing_sku_id": found.sku_row,
        "expected": found.difference.wanted,
        "before": found.difference.in_shop,
        "cause": str(cause),
        "outcome": "left" if cause in LEFT_ALONE else "found",
        "sentence": sentence_of(cause, found.difference),
    }


def fix(connection_id: int, by: str, *, sku_ids: Sequence[int] = (), cause: str | None = None) -> int | None:
    """Correct SKUs by their rows, whatever the latest check said of them, or all of one cause of it, or, with neither,
    all that it left; the run's id, None when nothing can be corrected. What is ``LEFT_ALONE`` is never corrected."""
    i = stock_check_items.c
    with transaction() as conn:
        require_live(conn, connection_id)
        latest = select(func.max(stock_checks.c.id)).where(stock_checks.c.connection_id == connection_id)
        check_id = conn.execute(latest).scalar()
        chosen = [i.check_id == check_id, i.outcome != "corrected", i.cause.not_in(sorted(LEFT_ALONE))]
        if sku_ids:
            chosen.append(i.listing_sku_id == func.any(list(sku_ids)))
        if cause is not None:
            chosen.append(i.cause == cause)
        conn.execute(update(stock_check_items).where(*chosen).values(outcome="found"))
        if check_id is None:
            return None
        wrong = _correctable(connection_id, check_id, sku_ids) if sku_ids else select(i.listing_sku_id).where(*chosen)
        return _queue_fixes(conn, connection_id, check_id, wrong, by)


def _correctable(connection_id: int, check_id: int, sku_ids: Sequence[int]) -> Select[Any]:
    """Those of the SKUs that are the connection's, without those that the check left alone and that are as they were.

    The check need not know of a difference: it may have come since, or again after it was corrected.
    """
    s, i = listing_skus.c, stock_check_items.c
    alone = (i.check_id == check_id, i.listing_sku_id == s.id, i.cause.in_(sorted(LEFT_ALONE)))
    kept = select(i.id).where(*alone, i.before.is_not_distinct_from(s.shop_quantity)).correlate(listing_skus).exists()
    mine = (s.id == func.any(list(sku_ids)), s.connection_id == connection_id, s.ended_at.is_(None))
    return select(s.id).where(*mine, ~kept)


def _queue_fixes(conn: Connection, connection_id: int, check_id: int, wrong: Select[Any], by: str) -> int | None:
    """A run over the listings of the ``wrong`` SKUs, whose quantities count as not acknowledged from now on."""
    s = listing_skus.c
    lock_rows(conn, list(conn.scalars(wrong)))
    forgotten = update(listing_skus).where(s.id.in_(wrong))
    conn.execute(forgotten.values(quantity_acknowledged_at=None, quantity_retry_at=None, quantity_misses=0))
    concerned = select(literal("listing"), s.listing_id).where(s.id.in_(wrong)).distinct()
    if conn.execute(concerned.limit(1)).first() is None:
        return None
    return start_run(
        conn,
        kind=FIX_RUN,
        title="Correct stock",
        connection_id=connection_id,
        by=by,
        items=concerned,
        parameters={"check_id": check_id, "part": "stock"},
    )


def settle_items(check_id: int, listing_ids: Sequence[int]) -> None:
    """After a batch of corrections: what the Shop shows now, and whether it is what was sent."""
    s, i = listing_skus.c, stock_check_items.c
    shown = s.shop_quantity.is_not(None) & s.quantity_acknowledged_at.is_not(None)
    proven = shown & (s.read_back_at >= s.quantity_acknowledged_at)
    mine = (i.check_id == check_id, i.listing_sku_id == s.id, i.outcome.in_(("found", "refused")))
    ended = update(stock_check_items).where(*mine, s.listing_id == func.any(list(listing_ids)))
    refusal = func.coalesce(func.nullif(s.error_sentence, ""), i.sentence)
    with transaction() as conn:
        conn.execute(ended.where(proven).values(after=s.shop_quantity, outcome="corrected"))
        conn.execute(ended.where(~proven).values(after=s.shop_quantity, outcome="refused", sentence=refusal))


def finish_check(check_id: int) -> None:
    """The corrections have ended: count them. Repeating it changes nothing."""
    i, c = stock_check_items.c, stock_checks.c
    counted = select(func.count(), func.count().filter(i.outcome == "corrected")).where(i.check_id == check_id)
    with transaction() as conn:
        found, corrected = conn.execute(counted).one()
        uncompared = conn.execute(select(c.uncompared).where(c.id == check_id)).scalar_one()
        sentence = _sentence(found, corrected, uncompared)
        values = {"corrected": corrected, "remaining": found - corrected, "sentence": sentence}
        ended = func.coalesce(c.finished_at, func.now())
        conn.execute(update(stock_checks).where(c.id == check_id).values(**values, finished_at=ended))


def _sentence(found: int, corrected: int, uncompared: int) -> str:
    rest = f" {counted(uncompared, 'SKU')} could not be compared." if uncompared else ""
    if found:
        return f"{counted(found, 'SKU')} differed: {corrected:,} corrected, {found - corrected:,} left.{rest}"
    return f"Every compared SKU is as it should be.{rest}" if rest else "Every SKU is as it should be."


def _note(check_id: int, sentence: str) -> None:
    with transaction() as conn:
        conn.execute(update(stock_checks).where(stock_checks.c.id == check_id).values(sentence=sentence))
