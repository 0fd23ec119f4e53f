"""Orders of the Shop, the store orders made of them, and what they did to stock."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db.tables.schema import document, key, link, metadata, moment

# ``import_state``: waiting (nothing stands in the way), held (a person or an event has to come first, see ``hold``),
# importing, unknown, imported, not_wanted (importing is off, FBT by rule, cancelled before it was imported).
shop_orders = Table(
    "shop_orders",
    metadata,
    key(),
    link("connection_id", "connections"),
    Column("remote_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("order_type", Text, nullable=False, server_default=""),
    Column("shipping_type", Text, nullable=False, server_default=""),
    Column("by_tiktok", Boolean, nullable=False, server_default="false"),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}", comment="bundle, replacement, sample, gift …"),
    Column("currency", Text, nullable=False),
    Column("total", Numeric(14, 4), nullable=False),
    document("payment", default=None),
    Column("unit_count", Integer, nullable=False),
    Column("customer", LargeBinary, comment="sealed JSON: name, phone, address, e-mail"),
    Column("customer_key", Text, nullable=False, server_default="", comment="keyed hash of the name, for exact search"),
    Column("masked", Boolean, nullable=False, server_default="false"),
    Column("area", Text, nullable=False, server_default="", comment="postcode area or state, for the map"),
    Column("country", Text, nullable=False, server_default=""),
    document("detail", "{}"),
    moment("ordered_at", nullable=False),
    moment("paid_at"),
    moment("remote_updated_at", nullable=False),
    moment("ship_by"),
    moment("collect_by"),
    moment("deliver_by"),
    Column("tracking_number", Text, nullable=False, server_default=""),
    Column("provider_name", Text, nullable=False, server_default=""),
    Column("fulfilment", Text, nullable=False, server_default="unshipped"),
    Column("import_state", Text, nullable=False, server_default="waiting"),
    Column("hold", Text, nullable=False, server_default="", comment="code of why it is not imported"),
    Column("hold_sentence", Text, nullable=False, server_default=""),
    Column("missing_skus", ARRAY(Text), nullable=False, server_default="{}"),
    Column("search_text", Text, nullable=False, server_default="", comment="ids, SKUs, titles, tracking; lower case"),
    moment("received_at", now=True),
    moment("sent_at"),
    moment("imported_at"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    moment("lease_until"),
    moment("not_before"),
    moment("changed_at", now=True),
    UniqueConstraint("connection_id", "remote_id"),
    CheckConstraint(
        "import_state IN ('waiting', 'held', 'importing', 'unknown', 'imported', 'not_wanted')",
        name="order_import_state_known",
    ),
)
Index("ix_shop_orders_date", shop_orders.c.connection_id, shop_orders.c.ordered_at.desc(), shop_orders.c.id.desc())
Index(
    "ix_shop_orders_status",
    shop_orders.c.connection_id,
    shop_orders.c.status,
    shop_orders.c.ordered_at.desc(),
    shop_orders.c.id.desc(),
)
Index(
    "ix_shop_orders_open",
    shop_orders.c.connection_id,
    shop_orders.c.import_state,
    shop_orders.c.hold,
    shop_orders.c.ordered_at.desc(),
    postgresql_where=text("import_state NOT IN ('imported', 'not_wanted')"),
)
Index(
    "ix_shop_orders_ship_by",
    shop_orders.c.connection_id,
    shop_orders.c.ship_by,
    postgresql_where=text("fulfilment = 'unshipped'"),
)
Index(
    "ix_shop_orders_left_out",
    shop_orders.c.connection_id,
    shop_orders.c.ordered_at.desc(),
    shop_orders.c.id.desc(),
    postgresql_where=text("import_state = 'not_wanted'"),
)
Index(
    "ix_shop_orders_tiktok_ships",
    shop_orders.c.connection_id,
    shop_orders.c.by_tiktok,
    shop_orders.c.ordered_at.desc(),
    postgresql_where=text("shipping_type = 'TIKTOK' OR by_tiktok"),
)
Index("ix_shop_orders_remote", shop_orders.c.remote_id)
Index("ix_shop_orders_missing", shop_orders.c.missing_skus, postgresql_using="gin")
Index("ix_shop_orders_customer", shop_orders.c.customer_key, postgresql_where=text("customer_key <> ''"))

# One row a unit ordered, and one a component unit of a virtual bundle (``parent_line_id`` names the bundle's line).
shop_order_lines = Table(
    "shop_order_lines",
    metadata,
    key(),
    link("order_id", "shop_orders"),
    Column("remote_id", Text, nullable=False),
    Column("parent_line_id", Text, nullable=False, server_default=""),
    Column("product_remote_id", Text, nullable=False, server_default=""),
    Column("sku_remote_id", Text, nullable=False, server_default=""),
    Column("seller_sku", Text, nullable=False, server_default=""),
    Column("title", Text, nullable=False, server_default=""),
    Column("sku_title", Text, nullable=False, server_default=""),
    Column("bundle", Boolean, nullable=False, server_default="false"),
    Column("gift", Boolean, nullable=False, server_default="false"),
    Column("original_price", Numeric(14, 4), nullable=False),
    Column("sale_price", Numeric(14, 4), nullable=False),
    Column("seller_discount", Numeric(14, 4), nullable=False),
    Column("platform_discount", Numeric(14, 4), nullable=False),
    Column("status", Text, nullable=False, server_default=""),
    Column("cancel_reason", Text, nullable=False, server_default=""),
    link("variant_id", "variants", nullable=True, ondelete="SET NULL", index=True),
    UniqueConstraint("order_id", "remote_id"),
)
Index("ix_shop_order_lines_sku", shop_order_lines.c.sku_remote_id)

# One store order per TikTok order, held by the schema. ``state``: intended, sending, unknown, created.
store_orders = Table(
    "store_orders",
    metadata,
    key(),
    link("order_id", "shop_orders", ondelete="RESTRICT"),
    link("store_account_id", "store_accounts", ondelete="RESTRICT"),
    Column("state", Text, nullable=False, server_default="intended"),
    Column("remote_id", Text),
    Column("number", Text, nullable=False, server_default=""),
    Column("marker", Text, nullable=False),
    Column("status_id", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False, server_default=""),
    Column("total", Numeric(14, 4)),
    document("draft", default=None),
    moment("intended_at", now=True),
    moment("called_at"),
    moment("empty_since", nullable=True),
    moment("created_at"),
    moment("status_sent_at"),
    Column("sentence", Text, nullable=False, server_default=""),
    Column("behind", Boolean, nullable=False, server_default="false", comment="the Shop's order changed since"),
    document("noted"),
    moment("referred_at"),
    Column("refer_tries", Integer, nullable=False, server_default="0"),
    UniqueConstraint("order_id"),
    CheckConstraint("state IN ('intended', 'sending', 'unknown', 'created')", name="store_order_state_known"),
)
Index(
    "uq_store_orders_remote",
    store_orders.c.store_account_id,
    store_orders.c.remote_id,
    unique=True,
    postgresql_where=text("remote_id IS NOT NULL"),
)
Index("ix_store_orders_number", store_orders.c.store_account_id, store_orders.c.number)
Index("ix_store_orders_status", store_orders.c.store_account_id, store_orders.c.status_id)
Index("ix_store_orders_behind", store_orders.c.id, postgresql_where=text("behind"))
Index(
    "ix_store_orders_unreferred", store_orders.c.id, postgresql_where=text("state = 'created' AND referred_at IS NULL")
)

# The statuses a store's orders can have, as the store told them; TikTok's are mapped to them (M4).
store_order_statuses = Table(
    "store_order_statuses",
    metadata,
    link("store_account_id", "store_accounts"),
    Column("remote_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="unpaid, paid, shipped, cancelled, custom"),
    Column("position", Integer, nullable=False),
    moment("seen_at", now=True),
    PrimaryKeyConstraint("store_account_id", "remote_id"),
)

# Who took a unit off the store's stock, or will: unique per unit ordered (law 12).
# ``outcome``: held (not yet taken off), done, given_back, unknown, not_ours (the merchant does it by hand).
# ``wanted``: what we still have to write into the store's stock ourselves: take, back, again (the
# store gave back what we had given back before), or nothing.
stock_deductions = Table(
    "stock_deductions",
    metadata,
    key(),
    link("line_id", "shop_order_lines", nullable=True, comment="none: it puts right what a write of ours undid"),
    link("store_account_id", "store_accounts"),
    link("variant_id", "variants"),
    Column("by", Text, nullable=False, server_default="", comment="store or us"),
    Column("outcome", Text, nullable=False, server_default="held"),
    Column("before", Integer),
    Column("target", Integer),
    Column("wanted", Text, nullable=False, server_default=""),
    moment("intended_at", now=True),
    moment("settled_at"),
    UniqueConstraint("line_id", "variant_id"),
    CheckConstraint("outcome IN ('held', 'done', 'given_back', 'unknown', 'not_ours')", name="deduction_outcome_known"),
)
Index(
    "ix_stock_deductions_held", stock_deductions.c.variant_id, postgresql_where=text("outcome IN ('held', 'unknown')")
)
Index(
    "ix_stock_deductions_done",
    stock_deductions.c.variant_id,
    stock_deductions.c.settled_at,
    postgresql_where=text("outcome = 'done'"),
)
Index(
    "ix_stock_deductions_wanted",
    stock_deductions.c.store_account_id,
    stock_deductions.c.variant_id,
    postgresql_where=text("wanted <> ''"),
)

stock_checks = Table(
    "stock_checks",
    metadata,
    key(),
    link("connection_id", "connections"),
    Column("kind", Text, nullable=False, comment="nightly or on demand"),
    Column("local_day", Text, nullable=False, server_default=""),
    Column("late", Boolean, nullable=False, server_default="false"),
    Column("started_by", Text, nullable=False, server_default=""),
    moment("due_at"),
    moment("started_at", now=True),
    moment("finished_at"),
    Column("compared", Integer, nullable=False, server_default="0"),
    Column("uncompared", Integer, nullable=False, server_default="0", comment="SKUs the Shop gave no number of"),
    Column("found", Integer, nullable=False, server_default="0"),
    Column("corrected", Integer, nullable=False, server_default="0"),
    Column("remaining", Integer, nullable=False, server_default="0"),
    Column("sentence", Text, nullable=False, server_default=""),
    link("run_id", "runs", nullable=True, ondelete="SET NULL"),
)
Index(
    "uq_stock_checks_nightly",
    stock_checks.c.connection_id,
    stock_checks.c.local_day,
    unique=True,
    postgresql_where=text("kind = 'nightly'"),
)
Index("ix_stock_checks_recent", stock_checks.c.connection_id, stock_checks.c.id.desc())

stock_check_items = Table(
    "stock_check_items",
    metadata,
    key(),
    link("check_id", "stock_checks"),
    link("listing_sku_id", "listing_skus"),
    Column("expected", Integer, nullable=False),
    Column("before", Integer, comment="what the Shop said; NULL when it did not name the SKU"),
    Column("after", Integer),
    Column("cause", Text, nullable=False),
    Column("outcome", Text, nullable=False, server_default="found", comment="found, corrected, refused, left"),
    Column("sentence", Text, nullable=False, server_default=""),
    moment("at", now=True),
    UniqueConstraint("check_id", "listing_sku_id"),
)

# How long things took, measured: from a store change to the Shop's read-back, from a Shop order to the store order.
latencies = Table(
    "latencies",
    metadata,
    key(),
    link("connection_id", "connections"),
    Column("kind", Text, nullable=False, comment="stock, price, order"),
    Column("subject", Text, nullable=False, server_default=""),
    moment("began_at", nullable=False),
    moment("ended_at", nullable=False),
)
Index("ix_latencies_recent", latencies.c.connection_id, latencies.c.kind, latencies.c.ended_at.desc())
