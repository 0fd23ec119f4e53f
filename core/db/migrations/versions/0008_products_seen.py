"""No index on when a product was last seen: it kept that update, of every product every night, from being in place."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_products_seen", table_name="products")
