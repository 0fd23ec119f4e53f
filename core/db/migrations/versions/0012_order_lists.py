"""Orders in lists of a million: words by trigrams where the server allows them, numbers, and who told of what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_store_orders_number", "store_orders", ["store_account_id", "number"])
    op.create_index("ix_store_orders_status", "store_orders", ["store_account_id", "status_id"])
    op.create_index(
        "ix_shop_orders_left_out",
        "shop_orders",
        ["connection_id", sa.text("ordered_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("import_state = 'not_wanted'"),
    )
    op.create_index("ix_inbox_subject", "inbox", ["subject", "id"], postgresql_where=sa.text("subject <> ''"))
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.execute(
                sa.text("CREATE INDEX ix_shop_orders_search ON shop_orders USING gin (search_text gin_trgm_ops)")
            )
    except DBAPIError:
        return  # the server has no pg_trgm: search works without, only slower
