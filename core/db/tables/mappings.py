"""The Shop's categories and brands, and how the store's words map to them."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from core.db.tables.schema import document, key, link, metadata, moment

shop_categories = Table(
    "shop_categories",
    metadata,
    link("shop_id", "shops"),
    Column("id", Text, nullable=False),
    Column("parent_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("leaf", Boolean, nullable=False),
    Column("permission", Text, nullable=False),
    moment("seen_at", now=True),
    PrimaryKeyConstraint("shop_id", "id"),
)

category_rules = Table(
    "category_rules",
    metadata,
    link("shop_id", "shops"),
    Column("category_id", Text, nullable=False),
    document("rule", default=None),
    document("attributes", default=None),
    moment("fetched_at", now=True),
    PrimaryKeyConstraint("shop_id", "category_id"),
)

shop_brands = Table(
    "shop_brands",
    metadata,
    link("shop_id", "shops"),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("authorised", Boolean, nullable=False),
    Column("t1", Boolean, nullable=False),
    moment("seen_at", now=True),
    PrimaryKeyConstraint("shop_id", "id"),
)

# kind: category, brand, default_category, attribute …; target_id "" means "deliberately none".
mappings = Table(
    "mappings",
    metadata,
    key(),
    link("connection_id", "connections"),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    document("detail"),
    Column("version", Integer, nullable=False, server_default="1"),
    moment("updated_at", now=True),
    Column("updated_by", Text, nullable=False, server_default=""),
    UniqueConstraint("connection_id", "kind", "source_id"),
)

mapping_history = Table(
    "mapping_history",
    metadata,
    key(),
    link("connection_id", "connections"),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("before_id", Text),
    Column("after_id", Text),
    document("before_detail", "{}"),
    document("after_detail", "{}"),
    moment("at", now=True),
    Column("by", Text, nullable=False, server_default=""),
)
Index("ix_mapping_history_at", mapping_history.c.connection_id, mapping_history.c.kind, mapping_history.c.id.desc())
