"""order_links: which variant of the store a line of a Shop's order stands for (O6, O7).

By the Shop's SKU id of a listing we made, then by the exact seller SKU where the store has it exactly once, then by
a mapping made by hand. Nothing is guessed: a SKU that two variants share stays unlinked until somebody chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, Text, any_, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from core.db.tables import connections, listing_skus, mappings, products, variants
from core.domain.mapping import SKU
from core.domain.orders import ShopOrder

_LIKELY = 0.45  # share of equal characters from which a suggestion is worth a look
_WITH_SKUS = """
SELECT o.id FROM shop_orders o WHERE o.connection_id = :connection_id AND o.import_state <> 'imported'
AND (o.import_state <> 'not_wanted' OR o.hold = 'import_off') AND EXISTS (SELECT 1 FROM shop_order_lines l
WHERE l.order_id = o.id AND (l.seller_sku = ANY(:skus) OR l.sku_remote_id = ANY(:skus)))
ORDER BY o.remote_id FOR UPDATE
"""
# Lines whose units were, or may have been, taken off the shelf keep what they stood for.
_NOT_MADE = """
SELECT l.id, l.order_id, l.sku_remote_id, l.seller_sku, l.variant_id FROM shop_order_lines l
WHERE l.order_id = ANY(:order_ids) AND NOT l.bundle AND (l.seller_sku = ANY(:skus) OR l.sku_remote_id = ANY(:skus))
AND NOT EXISTS (SELECT 1 FROM store_orders s WHERE s.order_id = l.order_id AND s.state <> 'intended')
AND NOT EXISTS (SELECT 1 FROM stock_deductions d WHERE d.line_id = l.id
AND (d.outcome IN ('done', 'unknown') OR d.wanted <> ''))
"""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A variant of the store that an unlinked SKU may stand for; ``likeness`` from 0 to 1."""

    variant_id: int
    sku: str
    title: str
    likeness: float


def links_of(conn: Connection, connection_id: int, orders: Iterable[ShopOrder]) -> dict[tuple[str, str], int]:
    """The variant of each (SKU id, seller SKU) in the orders, bundles by their components."""
    pairs: set[tuple[str, str]] = set()
    for order in orders:
        for line in order.lines:
            pairs.update((part.sku_id, part.seller_sku) for part in line.components or (line,))
    return find_links(conn, connection_id, pairs)


def find_links(conn: Connection, connection_id: int, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The variant of each (SKU id, seller SKU); those without one are left out."""
    wanted = list(pairs)
    by_id = _by_sku_id(conn, connection_id, [sku_id for sku_id, _ in wanted if sku_id])
    by_sku = _by_seller_sku(conn, connection_id, [sku for pair, sku in wanted if sku and pair not in by_id])
    by_hand = _by_hand(conn, connection_id, [one for pair in wanted for one in pair if one])
    found = {}
    for sku_id, sku in wanted:
        variant_id = by_id.get(sku_id) or by_sku.get(sku) or by_hand.get(sku) or by_hand.get(sku_id)
        if variant_id is not None:
            found[sku_id, sku] = variant_id
    return found


def link_waiting(conn: Connection, connection_id: int) -> list[int]:
    """Look again at the unlinked lines of the orders that wait for a link; the orders that got one."""
    query = text(
        "SELECT l.id, l.order_id, l.sku_remote_id, l.seller_sku FROM shop_orders o JOIN shop_order_lines l"
        " ON l.order_id = o.id LEFT JOIN variants v ON v.id = l.variant_id WHERE o.connection_id = :connection_id"
        " AND o.import_state IN ('held', 'waiting', 'not_wanted') AND (o.import_state <> 'not_wanted' OR o.hold ="
        " 'import_off') AND NOT l.bundle AND (l.variant_id IS NULL OR v.deleted_at IS NOT NULL)"
    )
    rows = conn.execute(query, {"connection_id": connection_id}).all()
    found = find_links(conn, connection_id, {(row.sku_remote_id, row.seller_sku) for row in rows})
    linked = [(row, found[pair]) for row in rows if (pair := (row.sku_remote_id, row.seller_sku)) in found]
    return _link(conn, linked)


def link_changed(conn: Connection, connection_id: int, skus: Sequence[str]) -> list[int]:
    """Link the lines with these SKUs, whose mapping changed, once more; the orders with a line that stands for
    something else now, or for nothing. What the store has, or may have, stays as it was made."""
    given: dict[str, object] = {"connection_id": connection_id, "skus": list(skus)}
    # With their rows locked no call to the store can begin, so what is seen of their store orders next is certain.
    locked = conn.scalars(text(_WITH_SKUS), given).all()
    rows = conn.execute(text(_NOT_MADE), given | {"order_ids": list(locked)}).all()
    found = find_links(conn, connection_id, {(row.sku_remote_id, row.seller_sku) for row in rows})
    now_for = [(row, found.get((row.sku_remote_id, row.seller_sku))) for row in rows]
    changed = _link(conn, [(row, variant_id) for row, variant_id in now_for if variant_id != row.variant_id])
    # Whoever works on one of them decided by the old link: it is taken away from them, and looked at anew.
    anew = "UPDATE shop_orders SET attempt = attempt + 1, lease_until = NULL WHERE id = ANY(:ids)"
    conn.execute(text(f"{anew} AND lease_until IS NOT NULL"), {"ids": changed})
    return changed


def _link(conn: Connection, linked: Sequence[tuple[Row[Any], int | None]]) -> list[int]:
    """Let each line stand for its variant, or for nothing; their orders."""
    if not linked:
        return []
    # Somebody may hold units of the variant that the line stood for before; they are free now.
    freed = text("DELETE FROM stock_deductions WHERE outcome = 'held' AND wanted = '' AND line_id = ANY(:ids)")
    conn.execute(freed, {"ids": [row.id for row, _ in linked]})
    change = text(
        "UPDATE shop_order_lines l SET variant_id = n.variant_id"
        " FROM unnest(CAST(:ids AS bigint[]), CAST(:variants AS bigint[])) AS n(id, variant_id) WHERE l.id = n.id"
    )
    conn.execute(change, {"ids": [row.id for row, _ in linked], "variants": [one for _, one in linked]})
    return sorted({row.order_id for row, _ in linked})


def suggestions(conn: Connection, connection_id: int, sku: str, title: str, *, most: int = 5) -> list[Suggestion]:
    """Variants of the store whose SKU or title is most like an unlinked SKU of the Shop, the likeliest first."""
    p, v = products.c, variants.c
    account = _account(connection_id)
    words = [word for word in title.lower().replace("-", " ").split() if len(word) > 2][:6]
    stem = sku.lower().strip()[:4]
    patterns = [f"%{_literal(word)}%" for word in [*words, *([stem] if len(stem) > 2 else [])]]
    if not patterns:
        return []
    live = (v.store_account_id == account, v.deleted_at.is_(None), p.deleted_at.is_(None), v.sku.is_not(None))
    alike = p.search_text.like(any_(literal(patterns, type_=ARRAY(Text))))
    joined = variants.join(products, p.id == v.product_id)
    rows = conn.execute(select(v.id, v.sku, p.title).select_from(joined).where(*live, alike).limit(500))
    found = [Suggestion(row.id, row.sku, row.title, _likeness(sku, title, row.sku, row.title)) for row in rows]
    likely = [one for one in found if one.likeness >= _LIKELY]
    return sorted(likely, key=lambda one: (-one.likeness, one.variant_id))[:most]


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _likeness(sku: str, title: str, other_sku: str, other_title: str) -> float:
    """How much the SKUs or the titles have in common, whichever is more."""
    pairs = ((sku, other_sku), (title, other_title))
    shares = [SequenceMatcher(None, one.casefold(), other.casefold()).ratio() for one, other in pairs if one and other]
    return round(max(shares, default=0.0), 3)


def _by_sku_id(conn: Connection, connection_id: int, sku_ids: Sequence[str]) -> dict[str, int]:
    """The newest listing that has or had the SKU id, while its variant lives."""
    s, v = listing_skus.c, variants.c
    ours = (s.connection_id == connection_id, s.remote_id == func.any(sku_ids), v.deleted_at.is_(None))
    joined = listing_skus.join(variants, v.id == s.variant_id)
    rows = conn.execute(select(s.remote_id, s.variant_id).select_from(joined).where(*ours).order_by(s.id))
    return {row.remote_id: row.variant_id for row in rows}


def _by_seller_sku(conn: Connection, connection_id: int, skus: Sequence[str]) -> dict[str, int]:
    p, v = products.c, variants.c
    live = (v.store_account_id == _account(connection_id), v.deleted_at.is_(None), p.deleted_at.is_(None))
    joined = variants.join(products, p.id == v.product_id)
    once = select(v.sku, func.min(v.id).label("id")).select_from(joined).where(*live, v.sku == func.any(skus))
    return {row.sku: row.id for row in conn.execute(once.group_by(v.sku).having(func.count() == 1))}


def _by_hand(conn: Connection, connection_id: int, names: Sequence[str]) -> dict[str, int]:
    m, v = mappings.c, variants.c
    ours = (m.connection_id == connection_id, m.kind == SKU, m.source_id == func.any(names), m.target_id != "")
    rows = {row.source_id: int(row.target_id) for row in conn.execute(select(m.source_id, m.target_id).where(*ours))}
    living = set(conn.scalars(select(v.id).where(v.id == func.any(list(rows.values())), v.deleted_at.is_(None))))
    return {name: variant_id for name, variant_id in rows.items() if variant_id in living}


def _account(connection_id: int) -> ScalarSelect[int]:
    c = connections.c
    return select(c.store_account_id).where(c.id == connection_id).scalar_subquery()
