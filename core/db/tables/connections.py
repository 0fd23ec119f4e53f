"""Store accounts, Shops, and the connections that join one of each."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db.tables.schema import document, key, link, metadata, moment

tiktok_apps = Table(
    "tiktok_apps",
    metadata,
    key(),
    Column("app_key", Text, nullable=False, unique=True),
    Column("app_secret", LargeBinary, nullable=False),
    Column("service_id", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    moment("created_at", now=True),
)

store_accounts = Table(
    "store_accounts",
    metadata,
    key(),
    Column("platform", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("business_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("domain", Text, nullable=False, server_default=""),
    Column("country", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("credentials", LargeBinary, nullable=False),
    Column("status", Text, nullable=False, server_default="ok"),
    Column("status_sentence", Text, nullable=False, server_default=""),
    moment("checked_at"),
    moment("created_at", now=True),
    Column(
        "shipping_rates", ARRAY(Text), comment="names, as last read; NULL: not read, or the store does not tell them"
    ),
    UniqueConstraint("platform", "base_url", "business_id"),
    CheckConstraint("status IN ('ok', 'refused')", name="store_status_known"),
)

shops = Table(
    "shops",
    metadata,
    key(),
    link("app_id", "tiktok_apps", ondelete="RESTRICT"),
    Column("remote_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("cipher", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=""),
    Column("seller_type", Text, nullable=False, server_default=""),
    Column("seller_name", Text, nullable=False, server_default=""),
    Column("open_id", Text, nullable=False, server_default=""),
    Column("scopes", ARRAY(Text), nullable=False, server_default="{}"),
    Column("access_token", LargeBinary),
    moment("access_expires_at"),
    Column("refresh_token", LargeBinary),
    moment("refresh_expires_at"),
    Column("status", Text, nullable=False, server_default="ok"),
    Column("status_sentence", Text, nullable=False, server_default=""),
    moment("checked_at"),
    moment("refresh_lease_until"),
    Column("refresh_attempt", Integer, nullable=False, server_default="0"),
    moment("created_at", now=True),
    CheckConstraint("status IN ('ok', 'expired', 'revoked')", name="shop_status_known"),
)

connections = Table(
    "connections",
    metadata,
    key(),
    link("store_account_id", "store_accounts", ondelete="RESTRICT"),
    link("shop_id", "shops", ondelete="RESTRICT"),
    Column("name", Text, nullable=False),
    moment("connected_at", now=True),
    Column("connected_by", Text, nullable=False, server_default=""),
    moment("disconnected_at"),
    Column("blocked_sentence", Text, nullable=False, server_default=""),
    UniqueConstraint("store_account_id", "shop_id"),
)
Index("uq_connections_live_shop", connections.c.shop_id, unique=True, postgresql_where=text("disconnected_at IS NULL"))

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    link("app_id", "tiktok_apps"),
    link("store_account_id", "store_accounts"),
    link("user_id", "users"),
    moment("created_at", now=True),
    moment("expires_at", nullable=False),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("code", LargeBinary),
    Column("sentence", Text, nullable=False, server_default=""),
    moment("returned_at"),
    moment("used_at"),
)

connection_settings = Table(
    "connection_settings",
    metadata,
    link("connection_id", "connections"),
    Column("name", Text, nullable=False),
    document("value", default=None),
    moment("updated_at", now=True),
    Column("updated_by", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("connection_id", "name"),
)

warehouses = Table(
    "warehouses",
    metadata,
    link("connection_id", "connections"),
    Column("remote_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("region", Text, nullable=False, server_default=""),
    moment("updated_at", now=True),
    PrimaryKeyConstraint("connection_id", "remote_id"),
)

# Lines of the setup checklist that only the other side can answer, as it last did; the rest is told from the rows.
connection_checks = Table(
    "connection_checks",
    metadata,
    link("connection_id", "connections"),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("fix", Text, nullable=False, server_default=""),
    moment("checked_at", now=True),
    PrimaryKeyConstraint("connection_id", "name"),
    CheckConstraint("state IN ('ok', 'wrong', 'unknown')", name="check_state_known"),
)
