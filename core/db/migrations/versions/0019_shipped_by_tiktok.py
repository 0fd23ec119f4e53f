"""Finding the few orders that TikTok ships or fulfils."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_shop_orders_tiktok_ships",
        "shop_orders",
        ["connection_id", "by_tiktok", sa.literal_column("ordered_at DESC")],
        postgresql_where=sa.text("shipping_type = 'TIKTOK' OR by_tiktok"),
    )
