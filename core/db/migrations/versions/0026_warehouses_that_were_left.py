"""Remember the warehouses that a SKU's stock has left until nothing is offered from them any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    left: sa.Column[list[str]] = sa.Column(
        "left_warehouses",
        ARRAY(sa.Text),
        nullable=False,
        server_default="{}",
        comment="ours before the mapping changed, until they are set to 0",
    )
    op.add_column("listing_skus", left)
