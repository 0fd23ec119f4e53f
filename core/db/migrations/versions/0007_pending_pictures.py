"""Pictures nobody has looked at yet, identifier codes by account, and what a mapping said before and after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_pictures",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("store_account_id", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_pending_pictures_product_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["store_account_id"],
            ["store_accounts.id"],
            name=op.f("fk_pending_pictures_store_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", "url", name=op.f("pk_pending_pictures")),
    )
    op.create_index("ix_pending_pictures_account", "pending_pictures", ["store_account_id", "url"])
    op.create_index(
        "ix_variants_gtin",
        "variants",
        ["store_account_id", "gtin"],
        postgresql_where=sa.text("gtin IS NOT NULL"),
    )
    for name in ("before_detail", "after_detail"):
        column = sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False)
        op.add_column("mapping_history", column)
