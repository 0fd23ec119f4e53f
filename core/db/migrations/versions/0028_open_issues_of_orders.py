"""Find the open issues of orders without reading those of everything else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_issues_open_orders",
        "issues",
        ["connection_id"],
        postgresql_where=sa.text("subject_kind = 'order' AND closed_at IS NULL"),
    )
