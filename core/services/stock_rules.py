"""stock_rules: buffer, cap, alert value and continue selling of single SKUs (G13, K7), for every connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import sku_rules, variants
from core.domain.people import Actor
from core.services import audit
from core.services.low_stock import judge_low_stock
from core.services.order_holds import wake_allowed
from core.services.price_stock_queue import live_connections_of, queue_push_of_variants

MOST_PIECES = 999_999


class RuleError(Exception):
    """A rule that does not fit; ``sentence`` says which and why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class SkuRule:
    """In pieces; what is None follows the setting of the connection.

    ``continue_selling``: whether it stays on offer when it is sold out, and orders for it are imported.
    """

    buffer: int | None = None
    cap: int | None = None
    low_stock_alert: int | None = None
    continue_selling: bool | None = None

    @property
    def numbers(self) -> dict[str, int | None]:
        return {"buffer": self.buffer, "cap": self.cap, "low_stock_alert": self.low_stock_alert}


def rules_of(conn: Connection, variant_ids: Sequence[int]) -> dict[int, SkuRule]:
    """The rules of those of these variants that have any, by our id."""
    r = sku_rules.c
    columns = (r.buffer, r.cap, r.low_stock_alert, r.continue_selling)
    wanted = select(r.variant_id, *columns).where(r.variant_id == func.any(list(variant_ids)))
    return {variant_id: SkuRule(*rule) for variant_id, *rule in conn.execute(wanted)}


def save_rules(conn: Connection, store_account_id: int, rules: Mapping[int, SkuRule], by: Actor) -> None:
    """Save the rules of variants of one store account, queue what they change, and record who did it.

    Raises ``RuleError`` for a number that does not fit, or a variant that is not the account's; nothing is saved then.
    """
    _check(conn, store_account_id, rules)
    before = rules_of(conn, list(rules))
    emptied = [variant_id for variant_id, rule in rules.items() if rule == SkuRule()]
    conn.execute(delete(sku_rules).where(sku_rules.c.variant_id == func.any(emptied)))
    rows = [
        {"variant_id": variant_id, "store_account_id": store_account_id, "updated_by": by.login, **asdict(rule)}
        for variant_id, rule in sorted(rules.items())
        if rule != SkuRule()
    ]
    if rows:
        new = insert(sku_rules)
        changed = {name: new.excluded[name] for name in (*asdict(SkuRule()), "updated_by")}
        conn.execute(
            new.on_conflict_do_update(index_elements=["variant_id"], set_=changed | {"updated_at": func.now()}), rows
        )
    for variant_id, rule in rules.items():
        detail = {"before": asdict(before.get(variant_id, SkuRule())), "after": asdict(rule)}
        audit.record(conn, user=by, action="save_sku_rule", subject=f"variant:{variant_id}", detail=detail)
    _follow_up(conn, store_account_id, list(rules))
    if any(rule.continue_selling for rule in rules.values()):
        wake_allowed(conn, store_account_id, list(rules))


def _check(conn: Connection, store_account_id: int, rules: Mapping[int, SkuRule]) -> None:
    for rule in rules.values():
        for name, number in rule.numbers.items():
            if number is not None and not 0 <= number <= MOST_PIECES:
                words = name.replace("_", " ").capitalize()
                raise RuleError(f"{words} must be from 0 to {MOST_PIECES:,}, not {number:,}.")
    v = variants.c
    ours = select(v.id).where(v.id == func.any(list(rules)), v.store_account_id == store_account_id)
    strangers = set(rules) - set(conn.scalars(ours))
    if strangers:
        raise RuleError(f"Variant {min(strangers)} does not belong to this store.")


def _follow_up(conn: Connection, store_account_id: int, variant_ids: Sequence[int]) -> None:
    queue_push_of_variants(conn, store_account_id, variant_ids)
    of_products = list(conn.scalars(select(variants.c.product_id).where(variants.c.id == func.any(list(variant_ids)))))
    for connection_id in live_connections_of(conn, store_account_id):
        judge_low_stock(conn, connection_id, of_products)
