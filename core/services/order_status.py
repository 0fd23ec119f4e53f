"""order_status: store orders follow the Shop's (O4, G7, M4). All of it is absolute and may be repeated.

What the Shop's order is now decides, never what a webhook said; a store order that has gone further by hand is left
alone, and where the two contradict each other a person is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, literal, select, update

from core.db.engine import transaction
from core.db.orders import StoredOrder, load_orders
from core.db.tables import shop_orders, store_orders
from core.domain.errors import Missing, RateLimited, Refused, RemoteError, Temporary, Unknown
from core.domain.order_words import CANCELLED
from core.domain.orders import StoreOrder
from core.logs import about, log
from core.ports import Store
from core.services import order_intents as intents
from core.services.issues import close_issue, open_issue
from core.services.live import LiveConnection, require_live
from core.services.one_by_one import one_by_one
from core.services.order_cancelling import CancelledUnits, units_cancelled
from core.services.order_holds import MANY_TRIES
from core.services.order_intents import Claimed, LostOrder
from core.services.order_mappings import status_kinds, status_map
from core.services.order_tracking import Tracking, status_to_follow, tracking_of
from core.services.picture_refusals import FIX, PICTURE, picture_refusal
from core.services.runs import Item, Outcome, start_run
from core.services.settings_of_connection import ConnectionSettings, load_settings

_BATCH = 50
_BEFORE_SHIPPING = ("unpaid", "paid")
_ADDRESS_CHANGED = (
    "TikTok Shop: the buyer changed the delivery address after this order was created. "
    "Ship to the address shown in Seller Center."
)
_TROUBLE = "status_trouble"
_CODES = ("order_conflict", "status_refused", "unmapped_status", PICTURE, _TROUBLE)
_AT_REST = {"tries": 0, "not_before": None}


@dataclass(frozen=True, slots=True)
class _Case:
    """One store order that may be behind. ``kinds`` tells what the store's statuses mean."""

    target: LiveConnection
    store: Store
    claimed: Claimed
    stored: StoredOrder
    row: Row[tuple[object, ...]]
    settings: ConnectionSettings
    statuses: dict[str, str]
    kinds: dict[str, str]


def follow_statuses(store: Store, target: LiveConnection) -> int:
    """The job ``order_status``: every store order that is behind is looked at once; how many were brought up.

    One in trouble holds up no other. Raises what the store raises, ``Temporary`` at the end or after three in a row;
    what is left stays behind and is done by the next job.
    """
    return one_by_one(_behind(target.id), lambda order_id: _follow(store, target, order_id) is not None)


def status_item(store: Store, target: LiveConnection, item: Item) -> Outcome:
    """Bring the store order of one order of a run up to the Shop's (O12)."""
    try:
        sentence = _follow(store, target, item.subject_id)
    except Temporary as trouble:
        return Outcome("failed", trouble.sentence, trouble.code or "temporary")
    return Outcome("done", sentence) if sentence else Outcome("skipped", "It is not in the store.", "not_imported")


def start_status(connection_id: int, order_ids: list[int], by: str) -> int:
    """Queue the status sync of these orders; the run's id."""
    o = shop_orders.c
    wanted = select(literal("order"), o.id).where(o.connection_id == connection_id, o.id.in_(order_ids))
    with transaction() as conn:
        return start_run(
            conn, kind="order_status_run", title="Sync statuses", connection_id=connection_id, by=by, items=wanted
        )


def _behind(connection_id: int) -> Iterator[int]:
    """The orders whose store order is behind and not put off, each once."""
    s, o = store_orders.c, shop_orders.c
    joined = store_orders.join(shop_orders, o.id == s.order_id)
    free = (o.lease_until.is_(None)) | (o.lease_until <= func.now())
    due = (o.not_before.is_(None)) | (o.not_before <= func.now())
    late = (o.connection_id == connection_id, s.behind, s.state == "created", free, due)
    wanted = select(s.id, o.id.label("order_id")).select_from(joined).where(*late).order_by(s.id).limit(_BATCH)
    last = 0
    while True:
        with transaction() as conn:
            rows = conn.execute(wanted.where(s.id > last)).all()
        if not rows:
            return
        yield from (row.order_id for row in rows)
        last = rows[-1].id


def _follow(store: Store, target: LiveConnection, order_id: int) -> str | None:
    """What was done for one order in words; None when it is not in the store, or somebody else works on it."""
    with transaction() as conn:
        claimed = intents.claim_one(conn, order_id)
        if claimed is None:
            return None
        case = _case(conn, store, target, claimed)
        if case is None:
            intents.free(conn, claimed)
            return None
    with about(subject=f"order:{order_id}", connection_id=target.id):
        try:
            return _bring_up(case)
        except LostOrder:
            return None
        except Refused as refusal:
            return _refused(case, refusal)
        except RemoteError as trouble:
            _put_off(case, trouble)
            raise


def _case(conn: Connection, store: Store, target: LiveConnection, claimed: Claimed) -> _Case | None:
    require_live(conn, target.id)
    row = conn.execute(
        select(store_orders).where(store_orders.c.order_id == claimed.id, store_orders.c.state == "created")
    ).first()
    if row is None:
        return None
    stored = load_orders(conn, [claimed.id])[claimed.id]
    statuses, kinds = status_map(conn, target.id), status_kinds(conn, target.store_account_id)
    return _Case(target, store, claimed, stored, row, load_settings(conn, target.id), statuses, kinds)


def _bring_up(case: _Case) -> str:
    order, settings = case.stored.order, case.settings
    status = status_to_follow(order, settings)
    wanted = case.statuses.get(status) if status is not None else case.row.status_id
    cancelled = units_cancelled(case.stored, case.row.noted)
    gone = bool(cancelled.lines) and settings.query_status_change
    tracking = tracking_of(order, settings, case.row.noted)
    moved = settings.order_status_sync and _address_differs(case)
    if wanted == case.row.status_id and not gone and not moved and tracking is None:
        return _done(case, "It has that status already." if status is not None else "Its status is not followed.")
    try:
        present = case.store.order(str(case.row.remote_id))
    except Missing:
        return _conflict(case, f"Store order {case.row.number} no longer exists in the store.", "Look for it there.")
    if order.status == CANCELLED:
        return _cancel(case, present, wanted, cancelled)
    if moved:
        _note_address(case)
    if gone:
        _note_cancelled_lines(case, present, cancelled)
    if tracking is not None:
        _note_tracking(case, present, tracking)
    if status is None:
        return _done(case, "Its status is not followed.")
    return _set_status(case, present, status, wanted)


def _set_status(case: _Case, present: StoreOrder, status: str, wanted: str | None) -> str:
    if wanted is None:
        sentence = f"The TikTok status {status} is not mapped to a store status: map it in Mappings."
        return _complaint(case, "unmapped_status", sentence, "Map the status.", subject=("order_status", status))
    before, after = case.kinds.get(present.status_id, ""), case.kinds.get(wanted, "")
    if before == "cancelled" and after != "cancelled":
        sentence = f"Store order {case.row.number} is cancelled in the store, and on TikTok it goes on ({status})."
        return _conflict(case, sentence, "Cancel it in Seller Center too, or set its status in the store.")
    if wanted == case.row.status_id:  # the Shop asks for no move, whatever was set in the store since
        return _done(case, "It was given that status already.")
    if case.row.noted.get("remapped") == status and present.status_id != case.row.status_id:
        return _done(case, f"It was set to {present.status} in the store, and TikTok's status is as it was.")
    if before == "shipped" and after in _BEFORE_SHIPPING:
        return _done(case, f"It is {present.status} in the store already, which is further.", present)
    if present.status_id == wanted:
        return _done(case, "It has that status already.", present)
    return _send(case, wanted)


def _send(case: _Case, wanted: str) -> str:
    with transaction() as conn:
        intents.renew(conn, case.claimed)
    _call_status(case, wanted, email=case.settings.customer_emails)
    present = case.store.order(str(case.row.remote_id))
    return _done(case, f"Its status in the store is {present.status or wanted} now.", present, sent=True)


def _call_status(case: _Case, wanted: str, *, email: bool, tracking_url: str = "") -> None:
    try:
        case.store.set_order_status(str(case.row.remote_id), wanted, tracking_url=tracking_url, email=email)
    except Unknown as lost:
        raise Temporary(lost.sentence, code=lost.code) from lost  # absolute, so it is simply made again


def _cancel(case: _Case, present: StoreOrder, wanted: str | None, cancelled: CancelledUnits) -> str:
    """Cancel the unshipped store order and put its goods back; one that has left is for a person (fault 53)."""
    kind = case.kinds.get(present.status_id, "")
    if kind == "shipped":
        sentence = (
            f"TikTok order {case.stored.order.id} was cancelled after store order {case.row.number} was shipped: "
            "settle it within 24 hours."
        )
        return _conflict(case, sentence, "Stop the parcel or refund it in Seller Center, then set the store's status.")
    if wanted is None:
        sentence = "The TikTok status CANCELLED is not mapped to a store status: map it in Mappings."
        return _complaint(case, "unmapped_status", sentence, "Map the status.", subject=("order_status", CANCELLED))
    begun = case.row.noted.get("watch")
    back = cancelled.watch(case.store, case.target.store_account_id, begun)
    if kind != "cancelled":
        with transaction() as conn:
            _save(conn, case, noted=case.row.noted | {"watch": back.kept})
        _call_status(case, wanted, email=case.settings.customer_emails)
    if kind != "cancelled" or begun:
        back = back.learnt(case.store)
    with transaction() as conn:
        back.settle(conn, case.target.store_account_id, case.claimed.id)
        _save(conn, case, status_id=wanted, noted=case.row.noted | {"cancelled": cancelled.all_lines})
    return _done(case, "It is cancelled in the store too.", case.store.order(str(case.row.remote_id)), sent=True)


def _note_cancelled_lines(case: _Case, present: StoreOrder, cancelled: CancelledUnits) -> None:
    """Part of the order was cancelled: the store cannot change its order, so its people are told."""
    text = f"TikTok Shop: cancelled after this order was created, do not ship: {cancelled.words()}."
    shipped = case.kinds.get(present.status_id, "") == "shipped"
    with transaction() as conn:
        intents.renew(conn, case.claimed)
    _comment(case, text)
    with transaction() as conn:
        sentence = f"Units of {_named(case)} were cancelled after it was created, do not ship: {cancelled.words()}."
        _open(conn, case, "lines_cancelled", sentence, "Take the units out of the parcel.")
        if not shipped:
            cancelled.give_back(conn, case.claimed.id)
        case.row.noted["cancelled"] = list(cancelled.all_lines)
        _save(conn, case, noted=case.row.noted)


def _note_tracking(case: _Case, present: StoreOrder, tracking: Tracking) -> None:
    """Absolute, and with the status that it has: the customer is not written to again because of it."""
    page, note = tracking.page_for(present), tracking.note_for(present)
    with transaction() as conn:
        intents.renew(conn, case.claimed)
    if page:
        _call_status(case, present.status_id, tracking_url=page, email=False)
    if note:
        _comment(case, note)
    case.row.noted.update(tracking.noted())
    with transaction() as conn:
        _save(conn, case, noted=case.row.noted)


def _address_differs(case: _Case) -> bool:
    order = case.stored.order
    known = order.address is not None and not order.address.masked
    return known and order.status != CANCELLED and case.row.noted.get("address", "") != case.stored.address_key


def _note_address(case: _Case) -> None:
    with transaction() as conn:
        intents.renew(conn, case.claimed)
    _comment(case, _ADDRESS_CHANGED)
    case.row.noted["address"] = case.stored.address_key
    sentence = f"The buyer changed the delivery address of {_named(case)} after it was created."
    fix = "Correct the address of the store order by hand: Seller Center shows the one to ship to."
    with transaction() as conn:
        _open(conn, case, "address_changed", sentence, fix)
        _save(conn, case, noted=case.row.noted)


def _named(case: _Case) -> str:
    return f"store order {case.row.number} (TikTok order {case.stored.order.id})"


def _comment(case: _Case, text: str) -> None:
    try:
        case.store.comment_order(str(case.row.remote_id), text)
    except Unknown:
        log().warning("a comment may be missing", action="order_status", order=case.claimed.id)


def _done(case: _Case, sentence: str, present: StoreOrder | None = None, *, sent: bool = False) -> str:
    """Up to date, unless the Shop's order changed while we were at it."""
    o = shop_orders.c
    changed = select(o.changed_at > case.stored.changed_at).where(o.id == case.claimed.id).scalar_subquery()
    values = {"behind": changed, "sentence": ""}
    if present is not None:
        values |= {"status_id": present.status_id, "status": present.status}
    if sent:
        values |= {"status_sent_at": func.now()}
    with transaction() as conn:
        _save(conn, case, **values)
        intents.free(conn, case.claimed, **_AT_REST)
        for code in _CODES:
            close_issue(conn, subject=("order", str(case.claimed.id)), code=code)
    return sentence


def _put_off(case: _Case, trouble: RemoteError) -> None:
    """Try again later; that the store fails with an order time and again is said to a person."""
    with transaction() as conn:
        if isinstance(trouble, RateLimited) or not isinstance(trouble, Temporary):
            intents.free(conn, case.claimed)
        elif (tries := intents.put_off(conn, case.claimed)) >= MANY_TRIES:
            sentence = (
                f"Store order {case.row.number} is behind after {tries} tries, and tried again: {trouble.sentence}"
            )
            _open(conn, case, _TROUBLE, sentence, "Look at the order's calls and in the store.")


def _conflict(case: _Case, sentence: str, fix: str) -> str:
    return _complaint(case, "order_conflict", sentence, fix)


def _refused(case: _Case, refusal: Refused) -> str:
    with transaction() as conn:
        picture = picture_refusal(conn, case.claimed.id, refusal.sentence)
    if picture is not None:
        return _complaint(case, PICTURE, picture, FIX)
    sentence = f"The store refused the status of {_named(case)}: {refusal.sentence}"
    return _complaint(case, "status_refused", sentence, "Correct it there.")


def _complaint(case: _Case, code: str, sentence: str, fix: str, *, subject: tuple[str, str] | None = None) -> str:
    """Not brought up, and nothing is tried again until the order, a mapping or a person changes something."""
    o = shop_orders.c
    changed = select(o.changed_at > case.stored.changed_at).where(o.id == case.claimed.id).scalar_subquery()
    with transaction() as conn:
        _open(conn, case, code, sentence, fix, subject=subject)
        _save(conn, case, behind=changed, sentence=sentence)
        intents.free(conn, case.claimed, **_AT_REST)
        close_issue(conn, subject=("order", str(case.claimed.id)), code=_TROUBLE)
    return sentence


def _open(
    conn: Connection, case: _Case, code: str, sentence: str, fix: str, *, subject: tuple[str, str] | None = None
) -> None:
    open_issue(
        conn,
        connection_id=case.target.id,
        subject=subject or ("order", str(case.claimed.id)),
        code=code,
        sentence=sentence,
        fix=fix,
        link="mappings" if code == "unmapped_status" else "orders",
    )


def _save(conn: Connection, case: _Case, **values: object) -> None:
    """Raises ``LostOrder`` when somebody else has taken the order over."""
    intents.renew(conn, case.claimed)
    conn.execute(update(store_orders).where(store_orders.c.order_id == case.claimed.id).values(**values))
