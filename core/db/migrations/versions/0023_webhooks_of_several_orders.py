"""Find the webhooks that name an order among several, as those of a combined package do."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_inbox_orders ON inbox USING gin (string_to_array(substr(subject, 7), ','))"
        " WHERE subject LIKE 'order:%,%'"
    )
