"""What happened: calls, hints that came in, and the issues a person has to look at."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)

from core.db.tables.schema import document, key, link, metadata, moment

api_calls = Table(
    "api_calls",
    metadata,
    key(),
    moment("at", nullable=False),
    Column("connection_id", BigInteger),
    Column("remote", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("status", Integer),
    Column("code", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("request", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("run_item_id", BigInteger),
)
Index("ix_api_calls_at", api_calls.c.at, postgresql_using="brin")
Index("ix_api_calls_recent", api_calls.c.id.desc(), api_calls.c.connection_id)
Index("ix_api_calls_subject", api_calls.c.subject, api_calls.c.id.desc(), postgresql_where=text("subject <> ''"))
Index("ix_api_calls_request_id", api_calls.c.request_id, postgresql_where=text("request_id <> ''"))

# An open issue is unique per subject and code; closing keeps the row as history.
issues = Table(
    "issues",
    metadata,
    key(),
    link("connection_id", "connections", nullable=True),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("fix", Text, nullable=False, server_default=""),
    Column("link", Text, nullable=False, server_default=""),
    Column("times", Integer, nullable=False, server_default="1"),
    moment("opened_at", now=True),
    moment("seen_at", now=True),
    moment("closed_at"),
)
Index(
    "uq_issues_open",
    issues.c.connection_id,
    issues.c.subject_kind,
    issues.c.subject_id,
    issues.c.code,
    unique=True,
    postgresql_where=text("closed_at IS NULL"),
    postgresql_nulls_not_distinct=True,
)

Index(
    "ix_issues_open_orders",
    issues.c.connection_id,
    postgresql_where=text("subject_kind = 'order' AND closed_at IS NULL"),
)

inbox = Table(
    "inbox",
    metadata,
    key(),
    Column("source", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("body", LargeBinary, nullable=False),
    document("told", "{}"),
    moment("received_at", now=True),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("note", Text, nullable=False, server_default=""),
    moment("handled_at"),
    UniqueConstraint("source", "account", "delivery_id"),
)
Index("ix_inbox_waiting", inbox.c.source, inbox.c.account, inbox.c.id, postgresql_where=text("status = 'waiting'"))
Index("ix_inbox_subject", inbox.c.subject, inbox.c.id, postgresql_where=text("subject <> ''"))
Index(
    "ix_inbox_orders",
    func.string_to_array(func.substr(inbox.c.subject, literal_column("7")), literal_column("','")),
    postgresql_using="gin",
    postgresql_where=text("subject LIKE 'order:%,%'"),
)
