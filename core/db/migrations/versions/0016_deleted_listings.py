"""Products whose listing was deleted in the Shop get their word at the next look."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE product_states s SET assessed_hash = NULL FROM listings l"
        " WHERE l.connection_id = s.connection_id AND l.product_id = s.product_id AND l.ended_at IS NULL"
        " AND l.tiktok_status = 'DELETED'"
    )
