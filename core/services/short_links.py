"""short_links: /tiktok-xxxxxx leads to the product's present page, whatever its address was before (L1, L2)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from core.config import settings
from core.db.tables import products, short_links, store_accounts

# RFC 4648 base 32 in lower case: no 0 or 1 to be taken for a letter.
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
LENGTH = 6
_CODE = re.compile(rf"[a-z2-7]{{{LENGTH}}}")
_BATCH = 20_000
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


def ensure_codes(conn: Connection, store_account_id: int) -> int:
    """Give a code to every product of the store that has none; returns how many were given.

    A code drawn twice is simply drawn again in the next round.
    """
    given = 0
    while True:
        lacking = _lacking(store_account_id).limit(_BATCH).subquery()
        drawn = select(_drawn_code(), lacking.c.id)
        rows = insert(short_links).from_select(["code", "product_id"], drawn).on_conflict_do_nothing()
        given += conn.execute(rows, execution_options={"preserve_rowcount": True}).rowcount
        if conn.execute(_lacking(store_account_id).limit(1)).first() is None:
            return given


def resolve(conn: Connection, code: str, *, count: bool = True) -> str | None:
    """The product's present address for a code, counting the click; None for a code that leads nowhere.

    An address outside the store's own domain counts as nowhere: this door redirects to the merchant's shop only.
    """
    if not _CODE.fullmatch(code):
        return None
    joined = short_links.join(products).join(store_accounts, store_accounts.c.id == products.c.store_account_id)
    row = conn.execute(
        select(products.c.url, store_accounts.c.domain, store_accounts.c.base_url)
        .select_from(joined)
        .where(short_links.c.code == code, products.c.deleted_at.is_(None))
    ).one_or_none()
    if row is None or not is_of_store(row.url, row.domain, row.base_url, settings().sandbox_url):
        return None
    if count:
        clicked = {"clicks": short_links.c.clicks + 1, "last_click_at": func.now()}
        conn.execute(update(short_links).where(short_links.c.code == code).values(clicked))
    return str(row.url)


def is_of_store(url: str, domain: str, base_url: str, sandbox_url: str = "") -> bool:
    """Whether ``url`` is a page of the store: on its domain with or without ``www.``, on the usual ports, or in the
    sandbox when the store is one of the sandbox's.

    Characters that browsers read differently from us (backslash, blanks, control characters) and user names before
    the host are refused.
    """
    parts = _split(url)
    if parts is None:
        return False
    if sandbox_url and base_url.startswith(f"{sandbox_url}/") and _origin(parts) == _origin(urlsplit(sandbox_url)):
        return True
    store = domain.lower().removeprefix("www.").rstrip(".")
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    return bool(store) and host == store and parts.port in (None, 80, 443)


def _split(url: str) -> SplitResult | None:
    if _UNSAFE.search(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _lacking(store_account_id: int) -> Select[tuple[int]]:
    linked = select(short_links.c.product_id).where(short_links.c.product_id == products.c.id).exists()
    return select(products.c.id).where(
        products.c.store_account_id == store_account_id, products.c.deleted_at.is_(None), ~linked
    )


def _drawn_code() -> ColumnElement[str]:
    """A code drawn by the database, anew for every row. It is a name, not a secret."""
    letters = [
        func.substr(literal(ALPHABET), cast(func.floor(func.random() * len(ALPHABET)), Integer) + 1, 1)
        for _ in range(LENGTH)
    ]
    return func.concat(*letters)
