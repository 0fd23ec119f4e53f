"""Trigram indexes for search, where the server allows the extension; search works without, only slower."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError:
        return
    connection.execute(text("CREATE INDEX ix_products_search ON products USING gin (search_text gin_trgm_ops)"))
