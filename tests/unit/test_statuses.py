"""The words of the console: each status of TikTok has exactly one, and so has every product and every export."""

from __future__ import annotations

import pytest

from core.domain.statuses import (
    EXPORT_WORDS,
    PRODUCT_TABS,
    PRODUCT_WORDS,
    ExportStatus,
    ProductFacts,
    ProductStatus,
    of_export,
    of_listing,
    of_product,
)

S, E = ProductStatus, ExportStatus
# TikTok Shop Partner Center, Get Product: all values of status, product_status and audit.status.
TIKTOK_STATUSES = {
    "INITIAL": S.UNLISTED,
    "DRAFT": S.UNLISTED,
    "SCHEDULED": S.UNLISTED,
    "SELLER_DEACTIVATED": S.UNLISTED,
    "DELETED": S.UNLISTED,
    "PENDING": S.UNDER_REVIEW,
    "FAILED": S.FAILED_REVIEW,
    "ACTIVATE": S.ACTIVE,
    "PLATFORM_DEACTIVATED": S.SUSPENDED,
    "FREEZE": S.SUSPENDED,
}
AUDIT_STATUSES = ("NONE", "AUDITING", "FAILED", "PRE_APPROVED", "APPROVED")


@pytest.mark.parametrize("audit", AUDIT_STATUSES)
@pytest.mark.parametrize("status", TIKTOK_STATUSES)
def test_every_status_of_tiktok_has_one_word(status: str, audit: str) -> None:
    edited = (status, audit) == ("ACTIVATE", "AUDITING")
    assert of_listing(status, audit) == (S.UNDER_REVIEW if edited else TIKTOK_STATUSES[status])


def test_a_status_that_tiktok_invents_is_said_to_be_unknown() -> None:
    assert of_listing("MELTED", "APPROVED") == S.UNKNOWN


@pytest.mark.parametrize("words", [PRODUCT_WORDS, EXPORT_WORDS])
def test_each_word_is_its_own_and_explained_in_one_sentence(words: dict[ProductStatus | ExportStatus, object]) -> None:
    assert set(words) == set(type(next(iter(words))))
    shown = [getattr(word, "label", "") for word in words.values()]
    assert len(set(shown)) == len(shown)
    sentences = [getattr(word, "sentence", "") for word in words.values()]
    assert len(set(sentences)) == len(sentences)
    assert all(one.endswith(".") and one.count(".") == 1 for one in sentences)


def test_every_product_stands_in_one_tab() -> None:
    listed = [status for statuses in PRODUCT_TABS.values() for status in statuses]
    assert sorted(listed) == sorted(ProductStatus)


def facts(
    state: str | None = None,
    tiktok: str | None = None,
    audit: str | None = None,
    *,
    sell: bool = True,
    category: bool = True,
    ready: bool = True,
) -> ProductFacts:
    return ProductFacts(sell, category, ready, state, tiktok, audit)


@pytest.mark.parametrize(
    ("known", "word"),
    [
        (facts(), S.READY),
        (facts(ready=False), S.NOT_READY),
        (facts(ready=False, category=False), S.CATEGORY_MISSING),
        (facts(sell=False), S.OFF),
        (facts(sell=False, ready=False, category=False), S.OFF),
        (facts("intended"), S.SENDING),
        (facts("sending", ready=False), S.SENDING),
        (facts("sending", "ACTIVATE", "APPROVED"), S.SENDING),
        (facts("unknown"), S.UNKNOWN),
        (facts("unknown", "ACTIVATE", "APPROVED", sell=False), S.UNKNOWN),
        (facts("refused"), S.FAILED),
        (facts("refused", ready=False), S.FAILED),
        (facts("refused", sell=False), S.OFF),
        (facts("sent"), S.UNDER_REVIEW),
        (facts("sent", "PENDING", "AUDITING"), S.UNDER_REVIEW),
        (facts("sent", "PENDING", "PRE_APPROVED"), S.UNDER_REVIEW),
        (facts("sent", "ACTIVATE", "APPROVED"), S.ACTIVE),
        (facts("sent", "ACTIVATE", "APPROVED", ready=False, category=False), S.ACTIVE),
        (facts("sent", "ACTIVATE", "APPROVED", sell=False), S.ACTIVE),
        (facts("sent", "ACTIVATE", "AUDITING"), S.UNDER_REVIEW),
        (facts("sent", "ACTIVATE", "FAILED"), S.ACTIVE),
        (facts("sent", "FAILED", "FAILED"), S.FAILED_REVIEW),
        (facts("sent", "FREEZE", "NONE"), S.SUSPENDED),
        (facts("sent", "SELLER_DEACTIVATED", "NONE"), S.UNLISTED),
        (facts("sent", "DELETED", "NONE"), S.UNLISTED),
        (facts("sent", "DELETED", "NONE", ready=False, category=False), S.UNLISTED),
        (facts("sent", "DELETED", "NONE", sell=False), S.OFF),
    ],
)
def test_the_word_of_a_product(known: ProductFacts, word: ProductStatus) -> None:
    assert of_product(known) == word


@pytest.mark.parametrize(
    ("status", "audit", "word"),
    [
        (None, None, E.IN_REVIEW),
        ("PENDING", "AUDITING", E.IN_REVIEW),
        ("PENDING", "PRE_APPROVED", E.IN_REVIEW),
        ("PENDING", "FAILED", E.DISAPPROVED),
        ("DRAFT", "NONE", E.IN_REVIEW),
        ("FAILED", "FAILED", E.DISAPPROVED),
        ("FAILED", None, E.DISAPPROVED),
        ("ACTIVATE", "APPROVED", E.APPROVED),
        ("ACTIVATE", None, E.APPROVED),
        ("ACTIVATE", "AUDITING", E.IN_REVIEW),
        ("ACTIVATE", "FAILED", E.DISAPPROVED),
        ("SCHEDULED", "APPROVED", E.APPROVED),
        ("SELLER_DEACTIVATED", "NONE", E.APPROVED),
        ("PLATFORM_DEACTIVATED", "NONE", E.DISAPPROVED),
        ("FREEZE", "APPROVED", E.DISAPPROVED),
        ("DELETED", "FAILED", E.DELETED),
        ("DELETED", None, E.DELETED),
    ],
)
def test_the_word_of_an_export(status: str | None, audit: str | None, word: ExportStatus) -> None:
    assert of_export(status, audit) == word
