"""product_preview: what would be sent for one product as it stands now, and how it differs from what the store has."""

from __future__ import annotations

from dataclasses import dataclass

from core.db.engine import transaction
from core.domain.pictures import name_of
from core.domain.readiness import Assessment
from core.services.product_readiness import drafts_for

AS_IT_IS = "is sent as it is"
NOT_LOOKED_AT = "has not been looked at yet"


@dataclass(frozen=True, slots=True)
class PicturePreview:
    """``name`` says its place and file; ``notes`` how it changes on the way, or why it cannot be sent."""

    name: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """``titles``: one a listing, several where variants are listed on their own (G1). ``description`` is HTML.

    ``ready``: whether it would be sent now. ``notes`` say what title and description lose.
    """

    ready: bool
    titles: tuple[str, ...]
    description: str
    notes: tuple[str, ...]
    pictures: tuple[PicturePreview, ...]


def preview(connection_id: int, product_id: int) -> Preview | None:
    """Judged anew, nothing is written; None when the store no longer has the product."""
    with transaction() as connection:
        assessment = drafts_for(connection, connection_id, [product_id]).get(product_id)
    if assessment is None:
        return None
    return Preview(
        ready=assessment.ready,
        titles=tuple(draft.title for _, draft in assessment.drafts) or (assessment.title,),
        description=assessment.description,
        notes=tuple(one.sentence for one in assessment.problems if one.field in ("title", "description")),
        pictures=tuple(_picture(assessment, place, url) for place, url in enumerate(assessment.picture_urls)),
    )


def _picture(assessment: Assessment, place: int, url: str) -> PicturePreview:
    """Readiness names a picture first in what it says of it."""
    name = name_of(place, url)
    about = [one.sentence for one in assessment.problems if one.field == "pictures"]
    notes = tuple(one for one in about if one.casefold().startswith(name.casefold()))
    quiet = NOT_LOOKED_AT if url in assessment.unchecked_pictures else AS_IT_IS
    return PicturePreview(name, notes or (f"{name[:1].upper()}{name[1:]} {quiet}.",))
