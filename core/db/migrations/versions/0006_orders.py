"""Orders of the Shop, store orders, stock deductions and checks, measured latencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "latencies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="stock, price, order"),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_latencies_connection_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_latencies")),
    )
    op.create_index(
        "ix_latencies_recent", "latencies", ["connection_id", "kind", sa.literal_column("ended_at DESC")], unique=False
    )
    op.create_table(
        "shop_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), server_default="", nullable=False),
        sa.Column("shipping_type", sa.Text(), server_default="", nullable=False),
        sa.Column("by_tiktok", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "tags",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="bundle, replacement, sample, gift …",
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("payment", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("unit_count", sa.Integer(), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=True, comment="sealed JSON: name, phone, address, e-mail"),
        sa.Column(
            "customer_key",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="keyed hash of the name, for exact search",
        ),
        sa.Column("masked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("area", sa.Text(), server_default="", nullable=False, comment="postcode area or state, for the map"),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remote_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collect_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deliver_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_name", sa.Text(), server_default="", nullable=False),
        sa.Column("fulfilment", sa.Text(), server_default="unshipped", nullable=False),
        sa.Column("import_state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("hold", sa.Text(), server_default="", nullable=False, comment="code of why it is not imported"),
        sa.Column("hold_sentence", sa.Text(), server_default="", nullable=False),
        sa.Column("missing_skus", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "search_text",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="ids, SKUs, titles, tracking; lower case",
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "import_state IN ('waiting', 'held', 'importing', 'unknown', 'imported', 'not_wanted')",
            name="order_import_state_known",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_shop_orders_connection_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_orders")),
        sa.UniqueConstraint("connection_id", "remote_id", name=op.f("uq_shop_orders_connection_id_remote_id")),
    )
    op.create_index(
        "ix_shop_orders_customer",
        "shop_orders",
        ["customer_key"],
        unique=False,
        postgresql_where=sa.text("customer_key <> ''"),
    )
    op.create_index(
        "ix_shop_orders_date",
        "shop_orders",
        ["connection_id", sa.literal_column("ordered_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("ix_shop_orders_missing", "shop_orders", ["missing_skus"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_shop_orders_open",
        "shop_orders",
        ["connection_id", "import_state", "hold", sa.literal_column("ordered_at DESC")],
        unique=False,
        postgresql_where=sa.text("import_state NOT IN ('imported', 'not_wanted')"),
    )
    op.create_index("ix_shop_orders_remote", "shop_orders", ["remote_id"], unique=False)
    op.create_index(
        "ix_shop_orders_ship_by",
        "shop_orders",
        ["connection_id", "ship_by"],
        unique=False,
        postgresql_where=sa.text("fulfilment = 'unshipped'"),
    )
    op.create_index(
        "ix_shop_orders_status",
        "shop_orders",
        ["connection_id", "status", sa.literal_column("ordered_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "shop_order_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("parent_line_id", sa.Text(), server_default="", nullable=False),
        sa.Column("product_remote_id", sa.Text(), server_default="", nullable=False),
        sa.Column("sku_remote_id", sa.Text(), server_default="", nullable=False),
        sa.Column("seller_sku", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("sku_title", sa.Text(), server_default="", nullable=False),
        sa.Column("bundle", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("gift", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("original_price", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("sale_price", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("seller_discount", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("platform_discount", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("cancel_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_orders.id"], name=op.f("fk_shop_order_lines_order_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_shop_order_lines_variant_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_order_lines")),
        sa.UniqueConstraint("order_id", "remote_id", name=op.f("uq_shop_order_lines_order_id_remote_id")),
    )
    op.create_index("ix_shop_order_lines_sku", "shop_order_lines", ["sku_remote_id"], unique=False)
    op.create_index(op.f("ix_shop_order_lines_variant_id"), "shop_order_lines", ["variant_id"], unique=False)
    op.create_table(
        "stock_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="nightly or on demand"),
        sa.Column("local_day", sa.Text(), server_default="", nullable=False),
        sa.Column("late", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("started_by", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compared", sa.Integer(), server_default="0", nullable=False),
        sa.Column("found", sa.Integer(), server_default="0", nullable=False),
        sa.Column("corrected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("remaining", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sentence", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_stock_checks_connection_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_stock_checks_run_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_checks")),
    )
    op.create_index(
        "ix_stock_checks_recent", "stock_checks", ["connection_id", sa.literal_column("id DESC")], unique=False
    )
    op.create_index(
        "uq_stock_checks_nightly",
        "stock_checks",
        ["connection_id", "local_day"],
        unique=True,
        postgresql_where=sa.text("kind = 'nightly'"),
    )
    op.create_table(
        "store_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("store_account_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="intended", nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("marker", sa.Text(), nullable=False),
        sa.Column("status_id", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("empty_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sentence", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state IN ('intended', 'sending', 'unknown', 'created')", name="store_order_state_known"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_orders.id"], name=op.f("fk_store_orders_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["store_account_id"],
            ["store_accounts.id"],
            name=op.f("fk_store_orders_store_account_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_orders")),
        sa.UniqueConstraint("order_id", name=op.f("uq_store_orders_order_id")),
    )
    op.create_index(
        "uq_store_orders_remote",
        "store_orders",
        ["store_account_id", "remote_id"],
        unique=True,
        postgresql_where=sa.text("remote_id IS NOT NULL"),
    )
    op.create_table(
        "stock_check_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("check_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_sku_id", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False, comment="what the Shop said"),
        sa.Column("after", sa.Integer(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column(
            "outcome", sa.Text(), server_default="found", nullable=False, comment="found, corrected, refused, left"
        ),
        sa.Column("sentence", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"], ["stock_checks.id"], name=op.f("fk_stock_check_items_check_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["listing_sku_id"],
            ["listing_skus.id"],
            name=op.f("fk_stock_check_items_listing_sku_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_check_items")),
        sa.UniqueConstraint("check_id", "listing_sku_id", name=op.f("uq_stock_check_items_check_id_listing_sku_id")),
    )
    op.create_table(
        "stock_deductions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("store_account_id", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False, comment="store or us"),
        sa.Column("outcome", sa.Text(), server_default="held", nullable=False),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("target", sa.Integer(), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('held', 'done', 'given_back', 'unknown', 'not_ours')", name="deduction_outcome_known"
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["shop_order_lines.id"], name=op.f("fk_stock_deductions_line_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["store_account_id"],
            ["store_accounts.id"],
            name=op.f("fk_stock_deductions_store_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_stock_deductions_variant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_deductions")),
        sa.UniqueConstraint("line_id", "variant_id", name=op.f("uq_stock_deductions_line_id_variant_id")),
    )
    op.create_index(
        "ix_stock_deductions_held",
        "stock_deductions",
        ["variant_id"],
        unique=False,
        postgresql_where=sa.text("outcome IN ('held', 'unknown')"),
    )
    op.add_column(
        "listing_skus",
        sa.Column("shop_warehouses", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
