"""listing pictures: everything a draft shows, uploaded to the Shop once and remembered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import statement, transaction
from core.db.tables import picture_checks, uploaded_pictures
from core.domain.errors import Refused
from core.domain.listing import ListingDraft
from core.ports import VIDEO, Marketplace, PictureSource, PreparedPicture, UploadedPicture

KnownPictures = dict[tuple[str, str], UploadedPicture]
_IMG = re.compile(r'<img[^>]*\ssrc="([^"]+)"')


class Place(Protocol):
    """Whose pictures they are."""

    @property
    def shop_id(self) -> int: ...

    @property
    def region(self) -> str: ...


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
    for url in _IMG.findall(draft.description):
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
) -> dict[str, UploadedPicture]:
    """The Shop's uris by the store's url; only what is not among the ``known`` is fetched, uploaded and remembered.

    Raises ``PictureTrouble`` for a picture that cannot be used; it is noted for readiness as well.
    """
    uploaded: dict[str, UploadedPicture] = {}
    fresh: list[dict[str, Any]] = []
    try:
        for url, use_case in pictures_of(draft):
            if (url, use_case) in known:
                uploaded[url] = known[url, use_case]
            elif still_ours():
                uploaded[url] = _upload(place, market, source, url, use_case, fresh)
    finally:
        _remember(fresh)
    return uploaded


def _upload(
    place: Place, market: Marketplace, source: PictureSource, url: str, use_case: str, fresh: list[dict[str, Any]]
) -> UploadedPicture:
    try:
        prepared = source.prepare(url, use_case, region=place.region)
        picture = upload_prepared(market, prepared, use_case)
    except Refused as refusal:
        _note_trouble(url, refusal.sentence)
        raise PictureTrouble(refusal.sentence) from refusal
    where = {"shop_id": place.shop_id, "source_url": url, "use_case": use_case}
    fresh.append(where | asdict(picture) | {"note": " ".join(prepared.notes)})
    return picture


def upload_prepared(market: Marketplace, prepared: PreparedPicture, use_case: str) -> UploadedPicture:
    """One picture, or one video, for good."""
    if use_case == VIDEO:
        return UploadedPicture(market.upload_file(prepared.data, prepared.name), "", 0, 0)
    return market.upload_picture(prepared.data, prepared.name, use_case)


_REMEMBER = insert(uploaded_pictures).on_conflict_do_nothing()


def _remember(fresh: list[dict[str, Any]]) -> None:
    if fresh:
        with statement() as connection:
            connection.execute(_REMEMBER, fresh if len(fresh) > 1 else fresh[0])


def _note_trouble(url: str, sentence: str) -> None:
    row = insert(picture_checks).values(url=url, error=sentence)
    with transaction() as connection:
        connection.execute(row.on_conflict_do_update(index_elements=["url"], set_={"error": sentence}))


def known_pictures(connection: Connection, shop_id: int, drafts: Iterable[ListingDraft]) -> KnownPictures:
    """What the Shop has already of the pictures that drafts show, by (url, use case)."""
    urls = {url for draft in drafts for url, _ in pictures_of(draft)}
    if not urls:
        return {}
    wanted = select(uploaded_pictures).where(
        uploaded_pictures.c.shop_id == shop_id, uploaded_pictures.c.source_url.in_(urls)
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
