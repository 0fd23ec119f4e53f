"""product_status: which products have to be looked at again, and the one word each of them shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Case, Connection, any_, bindparam, case, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert

from core.db.engine import transaction
from core.db.tables import connections, listings, product_states, products
from core.domain.statuses import ProductFacts, ProductStatus, of_product
from core.queue import defer

_CHUNK = 5_000
_MOST_REASONS = 2  # on a product's line; the drawer has all of them
_STATES_LOCK = 72_031  # any constant of our own, beside other advisory locks


def mark_stale(
    connection: Connection,
    *,
    store_account_id: int | None = None,
    connection_id: int | None = None,
    product_ids: Sequence[int] | None = None,
) -> None:
    """Have readiness look again at products of the live connections concerned, and make the rows new ones lack.

    Of all products of the store account or connection, or only of ``product_ids``.
    """
    for one in _concerned(connection, store_account_id, connection_id):
        lock_states(connection, one)
        for chunk in _chunks(product_ids):
            _mark(connection, one, chunk)
        defer(connection, "product_readiness", once=f"product_readiness:{one}", connection_id=one)


def refresh_status(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> None:
    """Choose the status word of each product anew from what is stored, and write those that changed."""
    if len(product_ids) > 1:
        lock_states(connection, connection_id)
    changed = [values for row in _facts(connection, connection_id, product_ids) if (values := _changed(row))]
    if not changed:
        return
    update = (
        product_states.update()
        .where(product_states.c.connection_id == connection_id, product_states.c.product_id == bindparam("product"))
        .values(
            status=bindparam("new_status"),
            status_sentence=bindparam("new_sentence"),
            sync=bindparam("new_sync"),
            changed_at=func.now(),
        )
    )
    connection.execute(update, changed)


def shown_statuses(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> dict[int, str]:
    """The status word of each product as the pages show it now."""
    mine = (product_states.c.connection_id == connection_id) & (
        product_states.c.product_id == func.any(list(product_ids))
    )
    return {
        row[0]: row[1]
        for row in connection.execute(select(product_states.c.product_id, product_states.c.status).where(mine))
    }


def is_settled(connection_id: int) -> bool:
    """Whether readiness has judged every product of the connection as it now stands, and there are any."""
    mine = product_states.c.connection_id == connection_id
    stale = select(product_states.c.product_id).where(mine, product_states.c.assessed_hash.is_(None)).limit(1)
    with transaction() as connection:
        if connection.execute(stale).first() is not None:
            return False
        return connection.execute(select(product_states.c.product_id).where(mine).limit(1)).first() is not None


def lock_states(connection: Connection, connection_id: int) -> None:
    """One transaction at a time writes many of a connection's product states: rows locked in two orders deadlock.

    Whoever will mark products stale and locks a state or a picture before takes this first, since readiness, which
    has it, may wait for those. (Products come before it: no one who has it changes them.)
    """
    connection.execute(select(func.pg_advisory_xact_lock(_STATES_LOCK, connection_id)))


def lock_states_of_store(connection: Connection, store_account_id: int) -> None:
    """``lock_states`` of all live connections of the store account, in the order in which they are marked stale."""
    for one in _concerned(connection, store_account_id, None):
        lock_states(connection, one)


def _concerned(connection: Connection, store_account_id: int | None, connection_id: int | None) -> list[int]:
    live = select(connections.c.id).where(connections.c.disconnected_at.is_(None))
    if store_account_id is not None:
        live = live.where(connections.c.store_account_id == store_account_id)
    if connection_id is not None:
        live = live.where(connections.c.id == connection_id)
    return list(connection.scalars(live.order_by(connections.c.id)))


def _chunks(product_ids: Sequence[int] | None) -> Iterable[Sequence[int] | None]:
    if product_ids is None:
        return [None]
    return [product_ids[start : start + _CHUNK] for start in range(0, len(product_ids), _CHUNK)]


def _mark(connection: Connection, connection_id: int, product_ids: Sequence[int] | None) -> None:
    wanted = (
        select(literal(connection_id), products.c.id, literal(str(ProductStatus.NOT_READY)))
        .join(connections, connections.c.store_account_id == products.c.store_account_id)
        .where(connections.c.id == connection_id, products.c.deleted_at.is_(None))
        .order_by(products.c.id)
    )
    if product_ids is not None:
        # One array instead of a placeholder an id: a statement of a fixed shape is prepared once.
        wanted = wanted.where(products.c.id == any_(literal(list(product_ids), ARRAY(BigInteger))))
    rows = insert(product_states).from_select(["connection_id", "product_id", "status"], wanted)
    again = rows.on_conflict_do_update(
        index_elements=[product_states.c.connection_id, product_states.c.product_id],
        set_={"assessed_hash": None},
        where=product_states.c.assessed_hash.is_not(None),
    )
    connection.execute(again)


def _facts(connection: Connection, connection_id: int, product_ids: Sequence[int]) -> Sequence[Any]:
    """One row a product; of several live listings (G1) the one that most needs a person comes first, a deleted last.

    One that is under review goes before those on sale, so that automatic sync waits for all of them.
    """
    newest = (
        select(
            listings.c.product_id,
            listings.c.state,
            listings.c.state_sentence,
            listings.c.tiktok_status,
            listings.c.audit_status,
            listings.c.reasons,
        )
        .where(
            listings.c.connection_id == connection_id,
            listings.c.product_id.in_(product_ids),
            listings.c.ended_at.is_(None),
        )
        .ext(distinct_on(listings.c.product_id))
        .order_by(listings.c.product_id, _worst_first(), listings.c.id)
        .subquery()
    )
    wanted = (
        select(
            product_states.c.product_id,
            product_states.c.status,
            product_states.c.status_sentence,
            product_states.c.sync,
            product_states.c.sell,
            product_states.c.category_id,
            product_states.c.problem_codes,
            product_states.c.problems,
            newest.c.state,
            newest.c.state_sentence,
            newest.c.tiktok_status,
            newest.c.audit_status,
            newest.c.reasons,
        )
        .outerjoin(newest, newest.c.product_id == product_states.c.product_id)
        .where(product_states.c.connection_id == connection_id, product_states.c.product_id.in_(product_ids))
    )
    return connection.execute(wanted).all()


def _worst_first() -> Case[int]:
    order = {"unknown": 0, "sending": 1, "intended": 2, "refused": 3}
    audited = case({"AUDITING": 5}, value=listings.c.audit_status, else_=6)
    by_the_shop = {"FAILED": 4, "PLATFORM_DEACTIVATED": 4, "FREEZE": 4, "PENDING": 5, "DELETED": 7}
    told = case(by_the_shop, value=listings.c.tiktok_status, else_=audited)
    return case(order, value=listings.c.state, else_=told)


def _changed(row: Any) -> dict[str, object] | None:
    status = of_product(
        ProductFacts(
            sell=row.sell,
            has_category=row.category_id is not None,
            ready=not any(problem["severity"] == "error" for problem in row.problems),
            listing_state=row.state,
            tiktok_status=row.tiktok_status,
            audit_status=row.audit_status,
        )
    )
    sentence = row.state_sentence or _said(row.reasons or [], status)
    sync = {"sent": "sent", "refused": "failed"}.get(row.state or "", "not_sent")
    if row.state == "sent" and row.tiktok_status == "DELETED":
        sync = "not_sent"
    if (str(status), sentence, sync) == (row.status, row.status_sentence, row.sync):
        return None
    return {"product": row.product_id, "new_status": str(status), "new_sentence": sentence, "new_sync": sync}


def _said(reasons: Sequence[Mapping[str, Any]], status: ProductStatus) -> str:
    """The reasons of the Shop's review in one line, each with its place; "" without any."""
    each = [
        f"{reason['position']}: {text}" if reason.get("position") else str(text)
        for reason in reasons
        for text in reason.get("reasons") or ()
    ]
    if not each:
        return ""
    more = [f"and {len(each) - _MOST_REASONS} more"] if len(each) > _MOST_REASONS else []
    kept = "The last change was disapproved and the version before stays on sale: "
    return (kept if status == ProductStatus.ACTIVE else "") + "; ".join([*each[:_MOST_REASONS], *more])
