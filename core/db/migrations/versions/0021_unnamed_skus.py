"""Stock checks that say which SKUs the Shop did not name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_checks", sa.Column("uncompared", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("stock_check_items", "before", nullable=True)
