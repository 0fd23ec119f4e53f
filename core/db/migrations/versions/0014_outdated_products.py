"""Which products the Shop has in another form than would be sent now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COMMENT = "when the Shop was found to have another form of it; with automatic sync only"


def upgrade() -> None:
    outdated_at = sa.Column("outdated_at", sa.DateTime(timezone=True), nullable=True, comment=COMMENT)
    op.add_column("product_states", outdated_at)
    op.create_index(
        "ix_product_states_outdated",
        "product_states",
        ["connection_id", "product_id"],
        postgresql_where=sa.text("outdated_at IS NOT NULL"),
    )
