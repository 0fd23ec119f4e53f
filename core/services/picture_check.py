"""picture_check: looks at pictures before anything is sent, and again at those that could not be used."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.catalogue import load_products
from core.db.engine import now, transaction
from core.db.tables import connections, pending_pictures, picture_checks, product_states
from core.domain.errors import Temporary
from core.domain.pictures import UNUSABLE, PictureFacts
from core.ports import PictureSource
from core.queue import BACKFILL, defer
from core.services.listing_context import load_facts, pictures_shown
from core.services.product_status import lock_states, lock_states_of_store, mark_stale

_BATCH: Final = 40
_THREADS: Final = 4
SHIFT_S: Final = 8.0  # then whatever else waits has its turn
_MOST_TRIES: Final = 4
_AGAIN: Final = 500  # products a transaction
_looking = threading.Lock()  # one check at a time in this process: it has threads of its own


@dataclass(frozen=True, slots=True)
class Look:
    """``facts`` is None when the picture could not be fetched just now, for the reason in ``trouble``."""

    url: str
    facts: PictureFacts | None
    trouble: str = ""


def check_pictures(source: PictureSource, connection_id: int, *, seconds: float = SHIFT_S) -> int:
    """Look at the waiting pictures of the connection's store for about ``seconds``; how many were settled.

    A picture that cannot be fetched just now is tried again up to four times, then that counts as its error.
    """
    with transaction() as connection:
        wanted = select(connections.c.store_account_id).where(connections.c.id == connection_id)
        account = connection.execute(wanted).scalar_one()
    settled, ends = 0, time.monotonic() + seconds
    with _looking, ThreadPoolExecutor(_THREADS, thread_name_prefix="picture_check") as threads:
        while urls := _waiting(account, now()):
            looks = list(threads.map(lambda url: look_at(source, url), urls))
            settled += _store(account, looks)
            if time.monotonic() > ends:
                break
    _come_again(account, connection_id)
    return settled


def look_at(source: PictureSource, url: str) -> Look:
    """One picture, with trouble of the moment told apart from a picture that is bad."""
    try:
        return Look(url, source.look(url))
    except Temporary as trouble:
        return Look(url, None, trouble.sentence)


def look_again(
    connection: Connection, connection_id: int, product_ids: Sequence[int], *, unusable_only: bool = False
) -> None:
    """Have the pictures of these products looked at once more, or only those that could not be used.

    What is known of them holds until then, so that nothing is sent meanwhile that would be refused.
    """
    lock_states(connection, connection_id)
    stored = load_products(connection, product_ids)
    shown = pictures_shown(connection, connection_id, stored)
    if unusable_only:
        facts = load_facts(connection, {url for urls in shown.values() for url in urls})
        shown = {one: {url for url in urls if url in facts and facts[url].error} for one, urls in shown.items()}
    rows = [
        {"product_id": one, "url": url, "store_account_id": stored[one].store_account_id}
        for one, urls in sorted(shown.items())
        for url in sorted(urls)
    ]
    if rows:
        again = {"tries": 0, "not_before": None}
        wanted = insert(pending_pictures).on_conflict_do_update(index_elements=["product_id", "url"], set_=again)
        connection.execute(wanted, rows)
        defer(connection, "picture_check", once=f"picture_check:{connection_id}", connection_id=connection_id)
    mark_stale(connection, connection_id=connection_id, product_ids=sorted(stored))


def look_again_at_unusable(connection_id: int) -> None:
    """The same for every product that shows what could not be used: its host may have been away."""
    s = product_states.c
    wanted = select(s.product_id).where(s.connection_id == connection_id, s.problem_codes.overlap(list(UNUSABLE)))
    with transaction() as connection:
        product_ids = list(connection.scalars(wanted.order_by(s.product_id)))
    for start in range(0, len(product_ids), _AGAIN):
        with transaction() as connection:
            look_again(connection, connection_id, product_ids[start : start + _AGAIN], unusable_only=True)


def _waiting(account: int, moment: datetime) -> list[str]:
    """The next addresses to look at, each once."""
    c = pending_pictures.c
    due = or_(c.not_before.is_(None), c.not_before <= moment)
    wanted = select(c.url).distinct().where(c.store_account_id == account, due).order_by(c.url).limit(_BATCH)
    with transaction() as connection:
        return list(connection.scalars(wanted))


def _store(account: int, looks: Sequence[Look]) -> int:
    """Keep what was seen, and have the products judged that show these pictures."""
    with transaction() as connection:
        lock_states_of_store(connection, account)
        given_up = _postpone(connection, account, [look for look in looks if look.facts is None])
        facts = [look.facts for look in looks if look.facts is not None] + given_up
        if not facts:
            return 0
        _keep(connection, facts)
        done = delete(pending_pictures).where(
            pending_pictures.c.store_account_id == account,
            pending_pictures.c.url == func.any([one.url for one in facts]),
        )
        concerned = sorted(set(connection.scalars(done.returning(pending_pictures.c.product_id))))
        mark_stale(connection, store_account_id=account, product_ids=concerned)
    return len(facts)


def _keep(connection: Connection, facts: Sequence[PictureFacts]) -> None:
    rows = [
        {
            "url": one.url,
            "width": one.width or None,
            "height": one.height or None,
            "format": one.format,
            "bytes": one.bytes or None,
            "digest": one.digest,
            "error": one.error,
            "checked_at": now(),
        }
        for one in sorted(facts, key=lambda one: one.url)
    ]
    row = insert(picture_checks)
    newer = {name: row.excluded[name] for name in rows[0] if name != "url"}
    connection.execute(row.on_conflict_do_update(index_elements=["url"], set_=newer), rows)


def _postpone(connection: Connection, account: int, looks: Sequence[Look]) -> list[PictureFacts]:
    """Try these later; the ones tried often enough are given up with their trouble as error."""
    given_up = []
    for look in looks:
        c = pending_pictures.c
        ours = (c.store_account_id == account, c.url == look.url)
        later = update(pending_pictures).where(*ours).values(tries=c.tries + 1)
        tries = max(connection.scalars(later.returning(c.tries)), default=_MOST_TRIES)
        if tries >= _MOST_TRIES:
            given_up.append(PictureFacts(look.url, error=f"it could not be fetched {tries} times: {look.trouble}"))
            continue
        pause = now() + timedelta(seconds=15 * 4 ** (tries - 1))
        connection.execute(update(pending_pictures).where(*ours).values(not_before=pause))
    return given_up


def _come_again(account: int, connection_id: int) -> None:
    """Another check when the next postponed picture is due."""
    c = pending_pictures.c
    with transaction() as connection:
        first = func.min(func.coalesce(c.not_before, func.now()))
        due = connection.execute(select(first).where(c.store_account_id == account)).scalar()
        if due is not None:
            seconds = max(int((due - now()).total_seconds()) + 1, 1)
            once = f"picture_check:{connection_id}"
            defer(
                connection,
                "picture_check",
                once=once,
                priority=BACKFILL,
                after_seconds=seconds,
                connection_id=connection_id,
            )
