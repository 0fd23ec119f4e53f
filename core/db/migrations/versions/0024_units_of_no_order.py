"""Let units of stock belong to no order: those that put right what a write of ours undid."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "stock_deductions", "line_id", nullable=True, comment="none: it puts right what a write of ours undid"
    )
