"""Who may use the console, and what they did."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, func

from core.db.tables.schema import document, key, link, metadata, moment

users = Table(
    "users",
    metadata,
    key(),
    Column("login", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    moment("created_at", now=True),
    moment("disabled_at"),
    CheckConstraint("role IN ('viewer', 'operator', 'admin')", name="role_known"),
)
Index("uq_users_login", func.lower(users.c.login), unique=True)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    link("user_id", "users", index=True),
    moment("created_at", now=True),
    moment("seen_at", now=True),
    moment("expires_at", nullable=False),
    Column("address", Text, nullable=False, server_default=""),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    link("user_id", "users"),
    moment("expires_at", nullable=False),
    moment("used_at"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    moment("blocked_until"),
    moment("updated_at", now=True),
)

audit = Table(
    "audit",
    metadata,
    key(),
    moment("at", now=True),
    link("user_id", "users", nullable=True, ondelete="SET NULL"),
    Column("login", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("connection_id", BigInteger),
    Column("subject", Text, nullable=False, server_default=""),
    document("detail"),
)
Index("ix_audit_at", audit.c.at.desc(), audit.c.id.desc())
