"""The stores' catalogues, and what each product is to each connection."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db.tables.schema import document, key, link, metadata, moment

products = Table(
    "products",
    metadata,
    key(),
    link("store_account_id", "store_accounts"),
    Column("remote_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("url", Text, nullable=False),
    Column("category_ids", ARRAY(Text), nullable=False, server_default="{}"),
    Column("brand_id", Text),
    Column("brand_name", Text),
    document("custom_fields"),
    document("pictures", "[]"),
    Column("vat_exclusive", Boolean, nullable=False, server_default="false"),
    Column("variant_count", Integer, nullable=False),
    Column("sku", Text, comment="of a product with one variant"),
    Column("price", Numeric(14, 4), comment="lowest of its variants"),
    Column("stock", Integer, comment="sum of its variants, negatives as 0"),
    Column("search_text", Text, nullable=False, comment="title and every SKU, lower case"),
    Column("content_hash", Text, nullable=False, comment="of everything the store said"),
    moment("remote_created_at"),
    moment("remote_updated_at"),
    moment("changed_at", now=True),
    moment("seen_at", now=True),
    moment("deleted_at"),
    UniqueConstraint("store_account_id", "remote_id"),
)
Index("ix_products_changed", products.c.store_account_id, products.c.changed_at.desc(), products.c.id.desc())
# Few, and the stock check has to know them: nothing of them is offered.
Index(
    "ix_products_ended",
    products.c.store_account_id,
    products.c.id,
    postgresql_where=text("deleted_at IS NOT NULL OR NOT active"),
)
Index("ix_products_title", products.c.store_account_id, products.c.title, products.c.id)
Index("ix_products_price", products.c.store_account_id, products.c.price, products.c.id)
Index("ix_products_stock", products.c.store_account_id, products.c.stock, products.c.id)
Index("ix_products_brand", products.c.store_account_id, products.c.brand_id)
Index("ix_products_categories", products.c.category_ids, postgresql_using="gin")

variants = Table(
    "variants",
    metadata,
    key(),
    link("product_id", "products"),
    Column("store_account_id", BigInteger, nullable=False, comment="its product's; no key of its own, that is dear"),
    Column("remote_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("sku", Text),
    Column("price", Numeric(14, 4)),
    Column("sale_price", Numeric(14, 4)),
    Column("stock", Integer),
    Column("gtin", Text),
    Column("mpn", Text),
    Column("weight_kg", Numeric(12, 4)),
    Column("picture", Integer),
    document("options", "[]"),
    Column("stock_event", Text, nullable=False, server_default="", comment="id of the last hint that told a quantity"),
    moment("stock_at", comment="when the store says that hint's change happened"),
    moment("changed_at", now=True),
    moment("deleted_at"),
    UniqueConstraint("product_id", "remote_id"),
)
Index("ix_variants_sku", variants.c.store_account_id, variants.c.sku)
Index("ix_variants_gtin", variants.c.store_account_id, variants.c.gtin, postgresql_where=variants.c.gtin.is_not(None))

store_categories = Table(
    "store_categories",
    metadata,
    link("store_account_id", "store_accounts"),
    Column("remote_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    moment("seen_at", now=True),
    PrimaryKeyConstraint("store_account_id", "remote_id"),
)

store_brands = Table(
    "store_brands",
    metadata,
    link("store_account_id", "store_accounts"),
    Column("remote_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    moment("seen_at", now=True),
    PrimaryKeyConstraint("store_account_id", "remote_id"),
)

pull_states = Table(
    "pull_states",
    metadata,
    link("store_account_id", "store_accounts", primary_key=True),
    Column("cursor", Text, comment="of the store's change feed"),
    moment("full_started_at"),
    Column("full_offset", Integer, nullable=False, server_default="0"),
    Column("full_total", Integer),
    moment("full_finished_at"),
    moment("incremental_at"),
    Column("lease_attempt", Integer, nullable=False, server_default="0"),
    moment("lease_until"),
    Column("note", Text, nullable=False, server_default=""),
)

# What a product is to one connection: the row behind the Products page, rewritten by product_readiness.
product_states = Table(
    "product_states",
    metadata,
    link("connection_id", "connections"),
    link("product_id", "products"),
    Column("status", Text, nullable=False, comment="a word of domain/statuses.py"),
    Column("status_sentence", Text, nullable=False, server_default=""),
    Column("sync", Text, nullable=False, server_default="not_sent", comment="sent, not_sent, failed"),
    Column("problem_codes", ARRAY(Text), nullable=False, server_default="{}"),
    Column("first_problem", Text, nullable=False, server_default=""),
    document("problems", "[]"),
    Column("category_id", Text),
    Column("category_source", Text, comment="own, mapped, default"),
    Column("assessed_hash", Text, comment="of all that readiness depends on"),
    Column("sell", Boolean, nullable=False, server_default="true"),
    Column("sync_title", Boolean, nullable=False, server_default="true"),
    Column("sync_price", Boolean, nullable=False, server_default="true"),
    Column("sync_stock", Boolean, nullable=False, server_default="true"),
    Column("own_category_id", Text),
    document("own_content", "{}"),
    moment("outdated_at", comment="when the Shop was found to have another form of it; with automatic sync only"),
    moment("changed_at", now=True),
    PrimaryKeyConstraint("connection_id", "product_id"),
)
Index(
    "ix_product_states_status",
    product_states.c.connection_id,
    product_states.c.status,
    product_states.c.changed_at.desc(),
    product_states.c.product_id.desc(),
)
Index(
    "ix_product_states_changed",
    product_states.c.connection_id,
    product_states.c.changed_at.desc(),
    product_states.c.product_id.desc(),
)
Index("ix_product_states_product", product_states.c.product_id)
Index("ix_product_states_problems", product_states.c.problem_codes, postgresql_using="gin")
# What product_readiness still has to look at.
Index(
    "ix_product_states_stale",
    product_states.c.connection_id,
    product_states.c.product_id,
    postgresql_where=product_states.c.assessed_hash.is_(None),
)
# What automatic sync may have to send again.
Index(
    "ix_product_states_outdated",
    product_states.c.connection_id,
    product_states.c.product_id,
    postgresql_where=product_states.c.outdated_at.is_not(None),
)

# What is known of a picture of the store before it is sent (P8); an error is a problem code of its own.
picture_checks = Table(
    "picture_checks",
    metadata,
    Column("url", Text, primary_key=True),
    Column("width", Integer),
    Column("height", Integer),
    Column("format", Text, nullable=False, server_default=""),
    Column("bytes", Integer),
    Column("digest", Text, nullable=False, server_default="", comment="of the picture as fetched"),
    Column("error", Text, nullable=False, server_default="", comment="a sentence; empty: it can be used"),
    moment("checked_at", now=True),
)

# Pictures that a product shows and nobody has looked at yet; picture_check takes them away.
pending_pictures = Table(
    "pending_pictures",
    metadata,
    link("product_id", "products"),
    Column("url", Text, nullable=False),
    link("store_account_id", "store_accounts"),
    moment("not_before"),
    Column("tries", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("product_id", "url"),
)
Index("ix_pending_pictures_account", pending_pictures.c.store_account_id, pending_pictures.c.url)
