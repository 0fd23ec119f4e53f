"""The settings of one connection: typed, with defaults, kept one row each so that two people can change two."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import connection_settings
from core.domain.people import Actor
from core.queue import defer
from core.services import audit
from core.services.price_stock_queue import queue_all
from core.services.shipping_rates import known_rates

IDENTIFIER_KINDS = ("GTIN", "EAN", "UPC", "ISBN")


class SettingError(Exception):
    """The value does not fit the setting; ``sentence`` names both."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Prices in the store's currency, weights in kilograms, sizes in whole centimetres, stock in pieces."""

    list_variants_separately: bool = False
    automatic_sync: bool = False
    manual_send: bool = True
    order_import: bool = True
    stock_import: bool = False
    order_status_sync: bool = True
    query_status_change: bool = True
    query_shipping_change: bool = False
    nightly_stock_check: bool = True
    inventory_upload: bool = True
    price_upload: bool = True
    order_download: bool = True
    tracking_upload: bool = True
    send_brand: bool = True
    send_variant_images: bool = True
    unauthorised_brand: str = "error"
    identifier_priority: tuple[str, ...] = IDENTIFIER_KINDS
    stock_buffer: int = 0
    stock_cap: int | None = None
    low_stock_alert: int | None = None
    price_markup_percent: Decimal = Decimal(0)
    price_markup_fixed: Decimal = Decimal(0)
    price_rounding: str = "none"
    default_weight_kg: Decimal | None = None
    default_length_cm: int | None = None
    default_width_cm: int | None = None
    default_height_cm: int | None = None
    continue_selling: bool = False
    add_platform_discount_back: bool = False
    default_shipping_rate: str = ""
    customer_emails: bool = False


CHOICES: dict[str, tuple[str, ...]] = {
    "unauthorised_brand": ("error", "no_brand"),
    "price_rounding": ("none", "up_to_99", "nearest_whole", "nearest_50"),
}
# Least and greatest value; a mark-up may also lower the price, though never to nothing.
RANGES: dict[str, tuple[int, int]] = {
    "stock_buffer": (0, 999_999),
    "stock_cap": (0, 999_999),
    "low_stock_alert": (0, 999_999),
    "price_markup_percent": (-90, 1_000),
    "price_markup_fixed": (-10_000, 10_000),
    "default_weight_kg": (0, 100),
    "default_length_cm": (1, 1_000),
    "default_width_cm": (1, 1_000),
    "default_height_cm": (1, 1_000),
}
_LONGEST_TEXT = 100
# What an order waits for may be one of these: they are all decided again when it changes.
_OF_ORDERS = (
    *("order_import", "stock_import", "order_status_sync", "continue_selling", "add_platform_discount_back"),
    *("default_shipping_rate", "query_status_change", "query_shipping_change"),
)
# What is offered follows from these: every SKU is looked at again when one changes.
_OF_OFFERS = (
    *("stock_buffer", "stock_cap", "continue_selling", "low_stock_alert", "inventory_upload", "price_upload"),
    *("price_markup_percent", "price_markup_fixed", "price_rounding"),
)
_KINDS = {field.name: str(field.type) for field in dataclasses.fields(ConnectionSettings)}


def load_settings(conn: Connection, connection_id: int) -> ConnectionSettings:
    """The saved values over the defaults; a name this version does not know is left alone."""
    rows = conn.execute(
        select(connection_settings.c.name, connection_settings.c.value).where(
            connection_settings.c.connection_id == connection_id
        )
    )
    return ConnectionSettings(**{row.name: _typed(row.name, row.value) for row in rows if row.name in _KINDS})


def save_setting(conn: Connection, connection_id: int, name: str, value: Any, by: Actor) -> None:
    """Save one value and the audit row. Raises ``SettingError`` for an unknown name or a value that does not fit.

    Decimals and whole numbers may also come as text, as a form gives them; empty text means none.
    """
    if name not in _KINDS:
        raise SettingError(f"There is no setting named {name!r}.")
    checked = _typed(name, value)
    if name == "default_shipping_rate":
        _check_rate(conn, connection_id, checked)
    before = getattr(load_settings(conn, connection_id), name)
    stored = str(checked) if isinstance(checked, Decimal) else checked
    row = insert(connection_settings).values(
        connection_id=connection_id, name=name, value=stored, updated_at=func.now(), updated_by=by.login
    )
    changed = {part: row.excluded[part] for part in ("value", "updated_at", "updated_by")}
    conn.execute(row.on_conflict_do_update(index_elements=["connection_id", "name"], set_=changed))
    detail = {"name": name, "before": str(before), "after": str(checked)}
    audit.record(conn, user=by, action="save_setting", connection_id=connection_id, subject=name, detail=detail)
    if name in _OF_ORDERS and before != checked:
        defer(conn, "order_wake", once=f"order_wake:{connection_id}", connection_id=connection_id)
    if name in _OF_OFFERS and before != checked:
        queue_all(conn, connection_id)


def _check_rate(conn: Connection, connection_id: int, rate: str) -> None:
    known = known_rates(conn, connection_id)
    if rate and known is not None and rate not in known:
        raise SettingError(f'The store has no shipping rate "{rate}": choose one of {", ".join(known) or "none"}.')


def _typed(name: str, value: Any) -> Any:
    kind = _KINDS[name]
    if "None" in kind and value in (None, ""):
        return None
    if kind == "bool":
        return _checked(isinstance(value, bool), name, value, "must be on or off")
    if kind.startswith("tuple"):
        return _identifiers(name, value)
    if kind == "str" and name not in CHOICES:
        fits = isinstance(value, str) and len(value.strip()) <= _LONGEST_TEXT
        return _checked(fits, name, value, f"must be a text of at most {_LONGEST_TEXT} characters").strip()
    if kind == "str":
        return _checked(value in CHOICES[name], name, value, f"must be one of {', '.join(CHOICES[name])}")
    return _number(name, value, whole=kind.startswith("int"))


def _number(name: str, value: Any, *, whole: bool) -> int | Decimal:
    low, high = RANGES[name]
    words = f"must be a {'whole number' if whole else 'number'} from {low:,} to {high:,}"
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _refusal(name, value, words) from None
    fits = number.is_finite() and low <= number <= high and not (whole and number != int(number))
    _checked(fits and not isinstance(value, bool), name, value, words)
    return int(number) if whole else number


def _identifiers(name: str, value: Any) -> tuple[str, ...]:
    fits = isinstance(value, list | tuple) and sorted(value) == sorted(set(value) & set(IDENTIFIER_KINDS)) and value
    _checked(bool(fits), name, value, f"must be an order of {', '.join(IDENTIFIER_KINDS)}, each at most once")
    return tuple(value)


def _checked(fits: bool, name: str, value: Any, words: str) -> Any:
    if not fits:
        raise _refusal(name, value, words)
    return value


def _refusal(name: str, value: Any, words: str) -> SettingError:
    return SettingError(f"{name.replace('_', ' ').capitalize()} {words}, not {str(value)!r}.")
