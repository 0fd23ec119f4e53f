"""Search everything: a SKU, a product, an order, a tracking number, a request id; exact matches first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, select

from core.db.filters import escaped_like
from core.db.order_filters import find_text
from core.db.tables import api_calls, connections, listings, product_states, products, shop_orders, variants
from core.reads.paging import reading

_MOST = 8
_SHORTEST_TRACKING = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: the words to show, the page it is on, the parameters that open it there."""

    kind: str
    label: str
    page: str
    parameters: tuple[tuple[str, str], ...]
    exact: bool


def find(connection_id: int, text: str) -> tuple[Hit, ...]:
    """At most 8 hits within a connection; none for fewer than two characters."""
    wanted = text.strip()
    if len(wanted) < 2:
        return ()
    with reading() as connection:
        exact = [
            *_by_order(connection, connection_id, wanted),
            *_by_sku(connection, connection_id, wanted),
            *_by_remote(connection, connection_id, wanted),
        ]
        found = exact or _by_words(connection, connection_id, wanted)
    return tuple(dict.fromkeys(found))[:_MOST]


def _product(product_id: int, title: str, kind: str, *, exact: bool) -> Hit:
    return Hit(kind, title, "products", (("open", str(product_id)),), exact)


def _by_order(connection: Connection, connection_id: int, text: str) -> list[Hit]:
    """By TikTok's order id, the store's number, or a tracking number."""
    o = shop_orders.c
    ids = list(find_text(connection, connection_id, text, customers=False).ids or ())
    rows = list(connection.execute(select(o.id, o.remote_id).where(o.id.in_(ids[:_MOST]))))
    if not rows and any(letter.isdigit() for letter in text) and len(text) >= _SHORTEST_TRACKING:
        # Tracking numbers stand among the words of an order, each on a line of its own.
        held = o.search_text.like(f"%{escaped_like(text.lower())}%")
        whole = literal(text.lower()) == func.any(func.string_to_array(o.search_text, "\n"))
        tracked = o.tracking_number != ""
        rows = list(
            connection.execute(
                select(o.id, o.remote_id).where(o.connection_id == connection_id, held, whole, tracked).limit(_MOST)
            )
        )
    return [Hit("Order", number, "orders", (("open", str(order_id)),), True) for order_id, number in rows]


def _by_sku(connection: Connection, connection_id: int, sku: str) -> list[Hit]:
    joined = variants.join(products, products.c.id == variants.c.product_id).join(
        connections, connections.c.store_account_id == variants.c.store_account_id
    )
    which = (connections.c.id == connection_id, variants.c.sku == sku, variants.c.deleted_at.is_(None))
    rows = connection.execute(select(products.c.id, products.c.title).select_from(joined).where(*which).limit(_MOST))
    return [_product(*row, kind="SKU", exact=True) for row in rows]


def _by_remote(connection: Connection, connection_id: int, text: str) -> list[Hit]:
    """TikTok's product id, the store's product id, a request id."""
    joined = listings.join(products, products.c.id == listings.c.product_id)
    listed = select(products.c.id, products.c.title).select_from(joined)
    shop_side = listed.where(listings.c.connection_id == connection_id, listings.c.remote_id == text)
    accounts = products.join(connections, connections.c.store_account_id == products.c.store_account_id)
    in_store = select(products.c.id, products.c.title).select_from(accounts)
    store_side = in_store.where(connections.c.id == connection_id, products.c.remote_id == text)
    calls = select(api_calls.c.id, api_calls.c.endpoint).where(api_calls.c.request_id == text)
    mine = calls.where((api_calls.c.connection_id == connection_id) | api_calls.c.connection_id.is_(None))
    return [
        *(_product(*row, kind="TikTok product", exact=True) for row in connection.execute(shop_side.limit(_MOST))),
        *(_product(*row, kind="Store product", exact=True) for row in connection.execute(store_side.limit(_MOST))),
        *(
            Hit("Call", endpoint, "activity", (("tab", "calls"), ("open", str(call_id))), True)
            for call_id, endpoint in connection.execute(mine.limit(_MOST))
        ),
    ]


def _by_words(connection: Connection, connection_id: int, text: str) -> list[Hit]:
    joined = product_states.join(products, products.c.id == product_states.c.product_id)
    words = (products.c.search_text.like(f"%{escaped_like(word)}%") for word in text.lower().split())
    which = (product_states.c.connection_id == connection_id, products.c.deleted_at.is_(None), *words)
    rows = connection.execute(select(products.c.id, products.c.title).select_from(joined).where(*which).limit(_MOST))
    return [_product(*row, kind="Product", exact=False) for row in rows]
