"""listing pictures: everything a draft shows, uploaded to the Shop once and remembered."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import statement, transaction
from core.db.tables import picture_checks, uploaded_pictures
from core.domain.errors import Refused
from core.domain.listing import ListingDraft
from core.ports import VIDEO, Marketplace, PictureSource, PreparedPicture, UploadedPicture
from core.services.product_status import lock_states_of_store, mark_stale

# A statement, or a part of one, that is given rows of pictures as the JSON text ``:pictures``.
REMEMBER: Final = """
    INSERT INTO uploaded_pictures (shop_id, source_url, use_case, uri, url, width, height, note)
    SELECT * FROM jsonb_to_recordset(CAST(:pictures AS jsonb)) AS new(shop_id bigint, source_url text, use_case text,
        uri text, url text, width integer, height integer, note text)
    ON CONFLICT DO NOTHING
"""
Row = dict[str, Any]
KnownPictures = dict[tuple[str, str], UploadedPicture]
_IMG = re.compile(r'<img[^>]*\ssrc="([^"]+)"')


class Place(Protocol):
    """Whose pictures they are."""

    @property
    def shop_id(self) -> int: ...

    @property
    def store_account_id(self) -> int: ...

    @property
    def region(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The pictures of a draft by the store's url; ``fresh`` are rows of those that are still to be remembered."""

    by_url: dict[str, UploadedPicture]
    fresh: list[Row]


class PictureTrouble(Exception):
    """A picture cannot be used; ``sentence`` names it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def pictures_of(draft: ListingDraft) -> list[tuple[str, str]]:
    """(url, use case) of every picture the draft shows, each once, the main pictures first, its video last."""
    return list(dict.fromkeys(_all_pictures(draft)))


def _all_pictures(draft: ListingDraft) -> Iterator[tuple[str, str]]:
    for url in draft.picture_urls:
        yield url, "MAIN_IMAGE"
    for sku in draft.skus:
        for attribute in sku.attributes:
            if attribute.picture_url and attribute.picture_url not in draft.picture_urls:
                yield attribute.picture_url, "ATTRIBUTE_IMAGE"
    for url in map(html.unescape, _IMG.findall(draft.description)):
        if url not in draft.picture_urls:
            yield url, "DESCRIPTION_IMAGE"
    if draft.video_url:
        yield draft.video_url, VIDEO


def upload_pictures(
    place: Place,
    market: Marketplace,
    source: PictureSource,
    draft: ListingDraft,
    known: KnownPictures,
    still_ours: Callable[[], bool],
) -> Uploaded:
    """Fetch and upload what is not among the ``known``; the caller remembers it, together with what it does next.

    Raises ``PictureTrouble`` for a picture that cannot be used; it is noted for readiness as well. What was uploaded
    before that, or before any other trouble, is remembered here.
    """
    uploaded = Uploaded({}, [])
    with ExitStack() as in_trouble:
        in_trouble.callback(remember, uploaded.fresh)
        for url, use_case in pictures_of(draft):
            if (url, use_case) in known:
                uploaded.by_url[url] = known[url, use_case]
            elif still_ours():
                uploaded.by_url[url] = _upload(place, market, source, draft, (url, use_case), uploaded.fresh)
        in_trouble.pop_all()
    return uploaded


def _upload(
    place: Place,
    market: Marketplace,
    source: PictureSource,
    draft: ListingDraft,
    wanted: tuple[str, str],
    fresh: list[Row],
) -> UploadedPicture:
    url, use_case = wanted
    try:
        prepared = source.prepare(url, use_case, region=place.region)
        picture = upload_prepared(market, prepared, use_case)
    except Refused as refusal:
        _note_trouble(place, draft, url, refusal.sentence)
        raise PictureTrouble(refusal.sentence) from refusal
    where = {"shop_id": place.shop_id, "source_url": url, "use_case": use_case}
    fresh.append(where | asdict(picture) | {"note": " ".join(prepared.notes)})
    return picture


def upload_prepared(market: Marketplace, prepared: PreparedPicture, use_case: str) -> UploadedPicture:
    """One picture, or one video, for good."""
    if use_case == VIDEO:
        return UploadedPicture(market.upload_file(prepared.data, prepared.name), "", 0, 0)
    return market.upload_picture(prepared.data, prepared.name, use_case)


def remember(fresh: Sequence[Row]) -> None:
    """Keep what the Shop has been sent, so that it is not uploaded again."""
    if fresh:
        with statement() as connection:
            connection.execute(text(REMEMBER), {"pictures": json.dumps(fresh)})


def _note_trouble(place: Place, draft: ListingDraft, url: str, sentence: str) -> None:
    """The product shows it as soon as it is judged anew."""
    row = insert(picture_checks).values(url=url, error=sentence)
    with transaction() as connection:
        lock_states_of_store(connection, place.store_account_id)
        connection.execute(row.on_conflict_do_update(index_elements=["url"], set_={"error": sentence}))
        mark_stale(connection, store_account_id=place.store_account_id, product_ids=[int(draft.product_id)])


def known_pictures(connection: Connection, shop_id: int, drafts: Iterable[ListingDraft]) -> KnownPictures:
    """What the Shop has already of the pictures that drafts show, by (url, use case)."""
    urls = {url for draft in drafts for url, _ in pictures_of(draft)}
    if not urls:
        return {}
    wanted = select(uploaded_pictures).where(
        uploaded_pictures.c.shop_id == shop_id, uploaded_pictures.c.source_url == func.any(list(urls))
    )
    rows = connection.execute(wanted).all()
    return {(row.source_url, row.use_case): UploadedPicture(row.uri, row.url, row.width, row.height) for row in rows}


def forget_pictures(place: Place, draft: ListingDraft) -> None:
    """The Shop does not know one of them any more: all of this draft are uploaded again next time."""
    urls = [url for url, _ in pictures_of(draft)]
    gone = delete(uploaded_pictures).where(
        uploaded_pictures.c.shop_id == place.shop_id, uploaded_pictures.c.source_url.in_(urls)
    )
    with transaction() as connection:
        connection.execute(gone)
