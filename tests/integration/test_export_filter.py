"""The filter of the Exports page in SQL says the same as the rule that chooses the word a row shows."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import insert, select, text

from core.db.engine import transaction
from core.db.filters import export_status
from core.db.tables import listings
from core.domain.statuses import ExportStatus, of_export
from tests.unit.test_statuses import AUDIT_STATUSES, TIKTOK_STATUSES

COMBINATIONS = tuple(product((None, *TIKTOK_STATUSES, "MELTED"), (None, *AUDIT_STATUSES, "MELTED")))


@pytest.mark.usefixtures("database")
def test_every_combination_has_the_word_it_is_filtered_by() -> None:
    rows = [
        {"connection_id": 1, "product_id": number, "tiktok_status": status, "audit_status": audit}
        for number, (status, audit) in enumerate(COMBINATIONS)
    ]
    with transaction() as connection:
        # Only the two columns matter here, so the rows point at nothing.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(insert(listings), rows)
        found = {
            word: set(connection.scalars(select(listings.c.product_id).where(export_status(word))))
            for word in ExportStatus
        }
        connection.rollback()
    wanted: dict[ExportStatus, set[int]] = {word: set() for word in ExportStatus}
    for number, (status, audit) in enumerate(COMBINATIONS):
        wanted[of_export(status, audit)].add(number)
    assert found == wanted
    assert all(found.values())
