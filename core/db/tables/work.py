"""Work and who does it: runs with their items, the clock's occurrences, leases, rate buckets."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from core.db.tables.schema import document, key, link, metadata, moment

runs = Table(
    "runs",
    metadata,
    key(),
    link("connection_id", "connections", nullable=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("note", Text, nullable=False, server_default=""),
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    moment("started_at"),
    moment("finished_at"),
    Column("total", Integer, nullable=False, server_default="0"),
    document("parameters"),
    CheckConstraint("status IN ('queued', 'running', 'stopping', 'stopped', 'done')", name="run_status_known"),
)
Index("ix_runs_recent", runs.c.connection_id, runs.c.id.desc())

run_items = Table(
    "run_items",
    metadata,
    key(),
    link("run_id", "runs"),
    Column("position", Integer, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("code", Text, nullable=False, server_default=""),
    Column("sentence", Text, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    moment("lease_until"),
    moment("not_before"),
    moment("started_at"),
    moment("finished_at"),
    UniqueConstraint("run_id", "subject_kind", "subject_id"),
    CheckConstraint(
        "status IN ('waiting', 'running', 'done', 'failed', 'skipped', 'unknown')", name="run_item_status_known"
    ),
)
Index("ix_run_items_status", run_items.c.run_id, run_items.c.status, run_items.c.position)
Index("ix_run_items_subject", run_items.c.subject_kind, run_items.c.subject_id)

occurrences = Table(
    "occurrences",
    metadata,
    Column("name", Text, nullable=False),
    moment("due_at", nullable=False),
    moment("created_at", now=True),
    Column("job_id", BigInteger),
    Column("note", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("name", "due_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    moment("lease_until", nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("holder", Text, nullable=False, server_default=""),
)

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("key", Text, primary_key=True),
    Column("capacity", Float, nullable=False),
    Column("per_second", Float, nullable=False),
    Column("tokens", Float, nullable=False),
    moment("updated_at", now=True),
    moment("blocked_until"),
)

# How far a repeated read of a remote list has come; moved in the transaction that stores what was read (law 1).
cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    moment("moved_at", now=True),
)
