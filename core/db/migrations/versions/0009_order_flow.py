"""Order flow: store order statuses, what a store order was told of, and stock we still have to write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "store_order_statuses",
        sa.Column("store_account_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="unpaid, paid, shipped, cancelled, custom"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_account_id"],
            ["store_accounts.id"],
            name=op.f("fk_store_order_statuses_store_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_account_id", "remote_id", name=op.f("pk_store_order_statuses")),
    )
    told = "the Shop's order changed since"
    op.add_column(
        "store_orders",
        sa.Column("behind", sa.Boolean(), server_default="false", nullable=False, comment=told),
    )
    op.add_column("store_orders", sa.Column("noted", JSONB(), server_default="{}", nullable=False))
    op.add_column("store_orders", sa.Column("referred_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("store_orders", sa.Column("refer_tries", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_store_orders_behind", "store_orders", ["id"], postgresql_where=sa.text("behind"))
    op.create_index(
        "ix_store_orders_unreferred",
        "store_orders",
        ["id"],
        postgresql_where=sa.text("state = 'created' AND referred_at IS NULL"),
    )
    op.add_column("stock_deductions", sa.Column("wanted", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_stock_deductions_done",
        "stock_deductions",
        ["variant_id", "settled_at"],
        postgresql_where=sa.text("outcome = 'done'"),
    )
    op.create_index(
        "ix_stock_deductions_wanted",
        "stock_deductions",
        ["store_account_id", "variant_id"],
        postgresql_where=sa.text("wanted <> ''"),
    )
    op.create_index("ix_listing_skus_remote", "listing_skus", ["connection_id", "remote_id"])
