"""Stock flow: rules of single SKUs, what the Shop holds back, why it takes nothing, and quantities told by hints."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OPEN = (
    "ended_at IS NULL AND remote_id IS NOT NULL AND (quantity_acknowledged_at IS NULL"
    " OR price_acknowledged_at IS NULL OR read_back_at IS NULL OR read_back_at < quantity_acknowledged_at)"
)


def upgrade() -> None:
    for column in _listing_sku_columns():
        op.add_column("listing_skus", column)
    in_our_warehouse = "in-shop available in the warehouse we keep, read back"
    op.alter_column(
        "listing_skus",
        "shop_quantity",
        comment=in_our_warehouse,
        existing_comment="in-shop available, read back",
        existing_type=sa.Integer(),
        existing_nullable=True,
    )
    op.create_index(
        "ix_listing_skus_open", "listing_skus", ["connection_id", "listing_id"], postgresql_where=sa.text(_OPEN)
    )
    op.create_table(
        "sku_rules",
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_account_id", sa.BigInteger(), nullable=False),
        sa.Column("buffer", sa.Integer(), nullable=True),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("low_stock_alert", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["store_account_id"],
            ["store_accounts.id"],
            name=op.f("fk_sku_rules_store_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_sku_rules_variant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_sku_rules")),
    )
    op.create_index("ix_sku_rules_account", "sku_rules", ["store_account_id"])
    event = sa.Column(
        "stock_event", sa.Text(), server_default="", nullable=False, comment="id of the last hint that told a quantity"
    )
    op.add_column("variants", event)
    op.add_column("variants", _moment("stock_at", "when the store says that hint's change happened"))
    op.create_index(
        "ix_products_ended",
        "products",
        ["store_account_id", "id"],
        postgresql_where=sa.text("deleted_at IS NOT NULL OR NOT active"),
    )
    op.add_column("inbox", sa.Column("told", JSONB(), server_default="{}", nullable=False))


def _listing_sku_columns() -> list[sa.Column[Any]]:
    return [
        _moment("price_began_at", "when the store changed what is not read back yet"),
        _text("price_hold", "the Shop's code of why it takes no price"),
        _moment("price_retry_at"),
        _moment("quantity_began_at", "when the store changed what is not read back yet"),
        _text("quantity_hold", "the Shop's code of why it takes no stock"),
        _moment("quantity_retry_at"),
        _count("quantity_misses", "read back as something else"),
        _count("shop_campaign", "reserved by campaigns, read back"),
        _count("shop_creator", "reserved by creators, read back"),
        _count("shop_committed", "in open orders, read back"),
    ]


def _moment(name: str, comment: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment)


def _text(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False, comment=comment)


def _count(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=comment)
