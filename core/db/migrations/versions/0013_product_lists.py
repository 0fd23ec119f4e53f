"""Products in lists of a million: every order, category, brand and count of the Products page by an index."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_products_price", "products", ["store_account_id", "price", "id"])
    op.create_index("ix_products_stock", "products", ["store_account_id", "stock", "id"])
    op.create_index("ix_products_brand", "products", ["store_account_id", "brand_id"])
    op.create_index("ix_products_categories", "products", ["category_ids"], postgresql_using="gin")
