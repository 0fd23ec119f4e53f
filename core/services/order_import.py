"""order_import: each order of the Shop becomes exactly one store order, or waits for something named (O3, laws 2, 13).

What an order becomes is decided by ``core.domain.order_import``; here it is made so: the intent is stored, the store
is asked whether it has the order already, then it is created. A lost answer is never repeated before the store was
asked twice, some time apart, and did not have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, literal, select, true

from core.db.engine import now, transaction
from core.db.order_filters import is_held
from core.db.orders import StoredOrder, load_orders
from core.db.tables import shop_orders
from core.domain.errors import Conflict, Expired, NotConfigured, RateLimited, RemoteError, Temporary, Unknown
from core.domain.order_import import SHIPPED_BEFORE, Decision, OrderFacts, decide
from core.domain.order_tabs import IN_TROUBLE
from core.domain.order_words import ON_ITS_WAY
from core.domain.orders import StoreOrder, StoreOrderDraft
from core.logs import about, log
from core.ports import Store
from core.services import order_intents as intents
from core.services.issues import close_issue
from core.services.live import LiveConnection, require_live
from core.services.order_facts import facts_of
from core.services.order_holds import complain, tell_of_trouble
from core.services.order_intents import Claimed, Intent, LostOrder
from core.services.order_outcome import Deduction, save_made, watch_stock
from core.services.picture_refusals import PICTURE, picture_refusal
from core.services.runs import Item, Outcome, start_run
from core.services.settings_of_connection import ConnectionSettings, load_settings
from core.services.shipping_rates import read_rates
from core.services.stock_deductions import (
    call_off,
    let_go,
    merchant_took,
    settle_without_import,
    take_ourselves,
    we_took,
)

LOOK_BACK = timedelta(minutes=5)
_FIRST_LOOK_S = 3.0
_STOCK_TAKEN = Decision(
    "not_wanted",
    "stock_taken",
    "Its stock was taken off while importing was off; created now, it would be taken off again.",
)
_LEFT = Decision(
    "not_wanted",
    "left_while_off",
    "It left while importing was off, so its goods are off the shelf already: it is shown here only.",
)
_MOST_TROUBLES = 3  # orders in a row that met the store in trouble; the rest waits for the next job


@dataclass(frozen=True, slots=True)
class Importing:
    """What importing works with. ``recheck_s``: how long after a first vain look for a lost order the second is."""

    target: LiveConnection
    store: Store
    recheck_s: float = 120.0


@dataclass(frozen=True, slots=True)
class _Case:
    """One order under way, with what was known when work on it began."""

    claimed: Claimed
    stored: StoredOrder
    intent: Intent | None
    settings: ConnectionSettings
    facts: OrderFacts
    kept_out: Decision | None


def import_orders(importing: Importing) -> int:
    """Import what waits, one after the other; how many were looked at. Several of these may run side by side.

    Raises ``Expired``, ``NotConfigured`` or ``NotLive`` when a person has to act first, ``RateLimited`` when the store
    wants a rest, and ``Temporary`` when it is in trouble.
    """
    looked = troubles = 0
    while claimed := _next(importing.target.id):
        try:
            outcome = import_claimed(importing, claimed)
        except RateLimited:
            raise
        except Temporary:
            troubles += 1
            if troubles == _MOST_TROUBLES:
                raise
            continue
        looked, troubles = looked + 1, 0
        log().info("order looked at", action="order_import", order=claimed.id, outcome=outcome.status)
    return looked


def import_item(importing: Importing, item: Item) -> Outcome:
    """Import one order of a run, because a person wants it now (O12)."""
    try:
        _look_for_rate(importing, item.subject_id)
        with transaction() as conn:
            claimed = intents.claim_one(conn, item.subject_id)
        if claimed is None:
            return _later("Another worker is importing it just now.", 5.0)
        return import_claimed(importing, claimed)
    except RateLimited as limited:
        return Outcome("waiting", limited.sentence, "rate", limited.until)
    except Temporary as trouble:
        return Outcome("failed", trouble.sentence, trouble.code or "temporary")


def _look_for_rate(importing: Importing, order_id: int) -> None:
    """A person may have put the shipping rate right a moment ago."""
    o = shop_orders.c
    held = select(o.id).where(o.id == order_id, o.import_state == "held", o.hold == "missing_shipping_rate")
    with transaction() as conn:
        waits = conn.scalar(held) is not None
    if waits:
        read_rates(importing.store, importing.target.id)


def start_import(
    connection_id: int, by: str, *, order_ids: Sequence[int] | None = None, hold: str | None = None
) -> int:
    """Queue another try for these orders, for all that are held for one cause, or for all held; the run's id."""
    o = shop_orders.c
    wanted = select(literal("order"), o.id).where(o.connection_id == connection_id)
    if order_ids is not None:
        wanted = wanted.where(o.id.in_(list(order_ids)))
    else:
        wanted = wanted.where(is_held(o), o.hold == hold if hold is not None else true())
    with transaction() as conn:
        return start_run(
            conn, kind="order_import_run", title="Import orders", connection_id=connection_id, by=by, items=wanted
        )


def import_claimed(importing: Importing, claimed: Claimed) -> Outcome:
    """Bring one order as far as it goes now, and say how far. Raises what the store raises, after saving it."""
    with about(subject=f"order:{claimed.id}", connection_id=importing.target.id):
        try:
            return _import(importing, claimed)
        except LostOrder:
            return _later("Another worker has taken it over.", 5.0)
        except Temporary as trouble:
            _put_off(importing.target.id, claimed, trouble)
            raise
        except (Expired, NotConfigured):
            with transaction() as conn:
                intents.free(conn, claimed)
            raise


def _next(connection_id: int) -> Claimed | None:
    with transaction() as conn:
        require_live(conn, connection_id)
        return next(iter(intents.claim(conn, connection_id, limit=1)), None)


def _import(importing: Importing, claimed: Claimed) -> Outcome:
    with transaction() as conn:
        case = _case(conn, importing, claimed)
        if case.intent is not None and case.intent.state == "created":
            intents.release(conn, claimed, state="imported")
            return Outcome("skipped", "It is in the store already.", "imported")
    if case.intent is not None and case.intent.outcome_open:
        settled = _resolve(importing, case, case.intent)
        if settled is not None:
            return settled
    decision = decide(case.stored.order, case.facts)
    if case.kept_out is SHIPPED_BEFORE or decision.state != "not_wanted":  # that it left before is never forgotten
        decision = case.kept_out or decision
    if decision.draft is None:
        return _not_now(case, decision)
    return _create(importing, case, decision.draft)


def _case(conn: Connection, importing: Importing, claimed: Claimed) -> _Case:
    target = require_live(conn, importing.target.id)
    settings = load_settings(conn, target.id)
    stored = load_orders(conn, [claimed.id])[claimed.id]
    facts = facts_of(conn, target, settings, importing.store.capabilities, stored)
    kept_out = _kept_out(conn, stored, facts)
    return _Case(claimed, stored, intents.intent_of(conn, claimed.id), settings, facts, kept_out)


def _kept_out(conn: Connection, stored: StoredOrder, facts: OrderFacts) -> Decision | None:
    """Why an order from before the connection, or from when importing was off, does not go into the store now."""
    if stored.hold == SHIPPED_BEFORE.code:
        return SHIPPED_BEFORE
    if facts.rules.creation_deducts_stock and we_took(conn, stored.id):
        return _STOCK_TAKEN
    was_off = stored.hold in ("import_off", _LEFT.code) or merchant_took(conn, stored.id)
    return _LEFT if was_off and stored.order.status in ON_ITS_WAY else None


def _not_now(case: _Case, decision: Decision) -> Outcome:
    """It waits for something named, or is left out for a reason named."""
    claimed, stored = case.claimed, case.stored
    with transaction() as conn:
        intents.drop_intent(conn, claimed.id)
        intents.release(
            conn,
            claimed,
            state=decision.state,
            hold=decision.code,
            hold_sentence=decision.sentence,
            missing_skus=list(decision.missing),
            not_before=None,
            tries=0,
        )
        close_issue(conn, subject=("order", str(claimed.id)), code=IN_TROUBLE)
        if decision.state == "held":
            complain(conn, stored.connection_id, claimed.id, stored.order.status, decision)
        else:
            _settle_left_out(conn, case, decision.code)
        _look_again_if_changed(conn, case)
    return Outcome("failed" if decision.state == "held" else "skipped", decision.sentence, decision.code)


def _settle_left_out(conn: Connection, case: _Case, code: str) -> None:
    """What becomes of the units that are still held, where the order will not be created."""
    order_id = case.claimed.id
    if code == "import_off":
        settle_without_import(conn, order_id, case.stored.order.status, stock_import=case.settings.stock_import)
    elif code == _STOCK_TAKEN.code:
        take_ourselves(conn, [order_id])
    elif code == _LEFT.code:
        let_go(conn, [order_id])


def _look_again_if_changed(conn: Connection, case: _Case) -> None:
    """The Shop's order changed while we decided: what we decided may be about yesterday's order."""
    o = shop_orders.c
    newer = (o.id == case.claimed.id, o.changed_at > case.stored.changed_at, o.import_state.in_(("held", "not_wanted")))
    conn.execute(shop_orders.update().where(*newer).values(import_state="waiting", not_before=None))


def _create(importing: Importing, case: _Case, draft: StoreOrderDraft) -> Outcome:
    claimed, stored = case.claimed, case.stored
    units = [line.id for line in stored.order.lines if line.status != "CANCELLED"]
    with transaction() as conn:
        account = importing.target.store_account_id
        # Our write may have begun since the order was decided: only with its rows locked is that certain.
        deducts = case.facts.rules.creation_deducts_stock
        called_off = call_off(conn, claimed.id) if deducts else True
        intent = intents.store_intent(conn, claimed, account, draft, units, stored.address_key)
    if not called_off:
        return _not_now(case, _STOCK_TAKEN)
    found = importing.store.find_orders(intent.marker, since=intent.intended_at - LOOK_BACK)
    if found:
        return _adopt(importing, case, intent, found)
    deduction = watch_stock(importing.store, account, draft)
    with transaction() as conn:
        intents.begin_call(conn, claimed)
    try:
        made = importing.store.create_order(draft)
    except Unknown as unknown:
        return _unknown(case, unknown)
    except Conflict as conflict:
        return _made_otherwise(importing, case, intent, conflict)
    except (Temporary, Expired, NotConfigured) as trouble:
        with transaction() as conn:
            intents.save_not_made(conn, claimed, trouble.sentence)
        raise
    except RemoteError as refusal:
        return _refused(case, refusal)
    return _made(importing, case, intent, made, deduction.learnt(importing.store))


def _made(importing: Importing, case: _Case, intent: Intent, made: StoreOrder, deduction: Deduction) -> Outcome:
    with transaction() as conn:
        save_made(
            conn, importing.target, importing.store.capabilities, case.claimed, case.stored, intent, made, deduction
        )
    return Outcome("done", f"Imported as store order {made.number}.")


def _adopt(importing: Importing, case: _Case, intent: Intent, found: Sequence[StoreOrder]) -> Outcome:
    """The store has it: it was made by a call whose answer was lost, or before our database was put back."""
    oldest = min(found, key=lambda one: (len(one.remote_id), one.remote_id))
    return _made(importing, case, intent, oldest, Deduction(copies=len(found)))


def _unknown(case: _Case, unknown: Unknown) -> Outcome:
    claimed, tries = case.claimed, case.stored.tries + 1
    with transaction() as conn:
        intents.save_unknown(conn, claimed, unknown.sentence)
        later = {"not_before": intents.in_seconds(_FIRST_LOOK_S), "tries": tries}
        intents.release(conn, claimed, state="unknown", hold_sentence=unknown.sentence, **later)
        tell_of_trouble(conn, case.stored.connection_id, claimed.id, tries, unknown.sentence)
    return _later(unknown.sentence, _FIRST_LOOK_S, status="unknown")


def _made_otherwise(importing: Importing, case: _Case, intent: Intent, conflict: Conflict) -> Outcome:
    """The store made it, but with another total: it is there once, and a person compares the two."""
    with transaction() as conn:
        intents.save_unknown(conn, case.claimed, conflict.sentence)
    found = importing.store.find_orders(intent.marker, since=intent.intended_at - LOOK_BACK)
    if found:
        return _adopt(importing, case, intent, found)
    return _unknown(case, Unknown(conflict.sentence, code=conflict.code))


def _refused(case: _Case, refusal: RemoteError) -> Outcome:
    with transaction() as conn:
        intents.save_not_made(conn, case.claimed, refusal.sentence)
        picture = picture_refusal(conn, case.claimed.id, refusal.sentence)
    if picture is not None:
        return _not_now(case, Decision("held", PICTURE, picture))
    return _not_now(case, Decision("held", "refused", f"The store refused it: {refusal.sentence}"))


def _resolve(importing: Importing, case: _Case, intent: Intent) -> Outcome | None:
    """Find out what became of a call whose answer we never saw; None when it is certain that it had no effect."""
    found = importing.store.find_orders(intent.marker, since=intent.intended_at - LOOK_BACK)
    if found:
        return _adopt(importing, case, intent, found)
    since = intent.empty_since
    with transaction() as conn:
        if since is not None and intents.after_wait(since, intent.now, importing.recheck_s):
            intents.renew(conn, case.claimed)
            intents.save_not_made(conn, case.claimed, "The store does not have it: it is created again.")
            return None
        intents.save_empty(conn, case.claimed)
        sentence = "The store's answer was lost and it does not show the order yet: it is asked once more."
        later = intents.in_seconds(importing.recheck_s)
        intents.release(conn, case.claimed, state="unknown", hold_sentence=sentence, not_before=later)
    return _later(sentence, importing.recheck_s, status="unknown")


def _put_off(connection_id: int, claimed: Claimed, trouble: Temporary) -> None:
    """Try again later; an order that may be in the store stays unknown."""
    with transaction() as conn:
        tries = intents.put_off(conn, claimed, hold_sentence=trouble.sentence)
        if not isinstance(trouble, RateLimited):
            tell_of_trouble(conn, connection_id, claimed.id, tries, trouble.sentence)


def _later(sentence: str, seconds: float, *, status: str = "waiting") -> Outcome:
    return Outcome(status, sentence, "again", now() + timedelta(seconds=seconds))
