"""Products whose listing the Shop disapproved or took down are looked at again: their line gets the Shop's reasons."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE product_states SET assessed_hash = NULL WHERE (connection_id, product_id) IN"
        " (SELECT connection_id, product_id FROM listings WHERE ended_at IS NULL AND reasons <> '[]')"
    )
