"""Listings in the Shop: what we meant, what was sent, what the Shop says."""

from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from core.db.tables.schema import document, key, link, metadata, moment

# One row per listing generation chain of a product (or of one variant of it, G1). ``state`` is where our own work
# stands: intended (stored, not known to have left), sending, unknown, sent, refused. ``generation`` rises only when
# the outcome of the last one is known.
listings = Table(
    "listings",
    metadata,
    key(),
    link("connection_id", "connections"),
    link("product_id", "products"),
    link("variant_id", "variants", nullable=True),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("state", Text, nullable=False, server_default="intended"),
    Column("state_sentence", Text, nullable=False, server_default=""),
    Column("state_code", Text, nullable=False, server_default=""),
    Column("remote_id", Text, comment="TikTok product id, known once sent"),
    Column("idempotency_key", UUID(as_uuid=False)),
    Column("body", LargeBinary, comment="exactly what was or will be sent"),
    document("draft", default=None),
    moment("intended_at", now=True),
    moment("called_at"),
    moment("sent_at"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    moment("lease_until"),
    Column("tiktok_status", Text),
    Column("audit_status", Text),
    document("reasons", "[]"),
    Column("reason_keys", ARRAY(Text), nullable=False, server_default="{}"),
    Column("review_round", Integer, nullable=False, server_default="0"),
    moment("reviewed_at"),
    moment("remote_updated_at"),
    moment("checked_at"),
    moment("deleted_at"),
    Column("deleted_by", Text, nullable=False, server_default=""),
    moment("ended_at"),
    moment("changed_at", now=True),
    CheckConstraint("state IN ('intended', 'sending', 'unknown', 'sent', 'refused')", name="listing_state_known"),
)
Index(
    "uq_listings_live",
    listings.c.connection_id,
    listings.c.product_id,
    listings.c.variant_id,
    unique=True,
    postgresql_where=text("ended_at IS NULL"),
    postgresql_nulls_not_distinct=True,
)
Index("ix_listings_remote", listings.c.connection_id, listings.c.remote_id)
Index("ix_listings_changed", listings.c.connection_id, listings.c.changed_at.desc(), listings.c.id.desc())
Index("ix_listings_open", listings.c.lease_until, postgresql_where=text("state IN ('intended', 'sending', 'unknown')"))

listing_skus = Table(
    "listing_skus",
    metadata,
    key(),
    link("listing_id", "listings"),
    Column("connection_id", BigInteger, nullable=False),
    link("variant_id", "variants"),
    Column("seller_sku", Text, nullable=False),
    Column("remote_id", Text),
    Column("sent_price", Numeric(14, 4)),
    moment("price_sent_at"),
    moment("price_acknowledged_at"),
    moment("price_began_at", comment="when the store changed what is not read back yet"),
    Column("price_hold", Text, nullable=False, server_default="", comment="the Shop's code of why it takes no price"),
    moment("price_retry_at"),
    Column("sent_quantity", Integer),
    moment("quantity_sent_at"),
    moment("quantity_acknowledged_at"),
    moment("quantity_began_at", comment="when the store changed what is not read back yet"),
    Column(
        "quantity_hold", Text, nullable=False, server_default="", comment="the Shop's code of why it takes no stock"
    ),
    moment("quantity_retry_at"),
    Column("quantity_misses", Integer, nullable=False, server_default="0", comment="read back as something else"),
    Column("shop_price", Numeric(14, 4)),
    Column("shop_quantity", Integer, comment="in-shop available in the warehouse we keep, read back"),
    Column("shop_campaign", Integer, nullable=False, server_default="0", comment="reserved by campaigns, read back"),
    Column("shop_creator", Integer, nullable=False, server_default="0", comment="reserved by creators, read back"),
    Column("shop_committed", Integer, nullable=False, server_default="0", comment="in open orders, read back"),
    document("shop_warehouses", "{}"),
    Column(
        "left_warehouses",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="ours before the mapping changed, until they are set to 0",
    ),
    moment("read_back_at"),
    Column("error_sentence", Text, nullable=False, server_default=""),
    moment("ended_at"),
)
Index(
    "uq_listing_skus_live",
    listing_skus.c.connection_id,
    listing_skus.c.variant_id,
    unique=True,
    postgresql_where=text("ended_at IS NULL"),
)
Index("ix_listing_skus_listing", listing_skus.c.listing_id)
Index("ix_listing_skus_remote", listing_skus.c.connection_id, listing_skus.c.remote_id)
Index("ix_listing_skus_seller_sku", listing_skus.c.connection_id, listing_skus.c.seller_sku)
# What price_stock has to look at again: sent and not acknowledged, or acknowledged and not read back.
Index(
    "ix_listing_skus_open",
    listing_skus.c.connection_id,
    listing_skus.c.listing_id,
    postgresql_where=text(
        "ended_at IS NULL AND remote_id IS NOT NULL AND (quantity_acknowledged_at IS NULL"
        " OR price_acknowledged_at IS NULL OR read_back_at IS NULL OR read_back_at < quantity_acknowledged_at)"
    ),
)

# The stock rules of single SKUs (G13, K7); what is NULL follows the connection's setting.
sku_rules = Table(
    "sku_rules",
    metadata,
    link("variant_id", "variants", primary_key=True),
    link("store_account_id", "store_accounts"),
    Column("buffer", Integer),
    Column("cap", Integer),
    Column("low_stock_alert", Integer),
    Column("continue_selling", Boolean),
    moment("updated_at", now=True),
    Column("updated_by", Text, nullable=False, server_default=""),
)
Index("ix_sku_rules_account", sku_rules.c.store_account_id)

uploaded_pictures = Table(
    "uploaded_pictures",
    metadata,
    link("shop_id", "shops"),
    Column("source_url", Text, nullable=False),
    Column("use_case", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    moment("uploaded_at", now=True),
    PrimaryKeyConstraint("shop_id", "source_url", "use_case"),
)

short_links = Table(
    "short_links",
    metadata,
    key(),
    Column("code", Text, nullable=False, unique=True),
    link("product_id", "products"),
    Column("clicks", BigInteger, nullable=False, server_default="0"),
    moment("last_click_at"),
    moment("created_at", now=True),
    UniqueConstraint("product_id"),
)
