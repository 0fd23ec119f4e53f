"""Cancellations got a setting of their own: it is off where the order's status was not followed."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO connection_settings (connection_id, name, value, updated_by)"
        " SELECT connection_id, 'query_status_change', value, updated_by FROM connection_settings"
        " WHERE name = 'order_status_sync' AND value = 'false'::jsonb ON CONFLICT DO NOTHING"
    )
