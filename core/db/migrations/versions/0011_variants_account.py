"""A variant belongs to its product's account; checking that a second time cost a tenth of a catalogue pull."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("fk_variants_store_account_id", "variants", type_="foreignkey")
    op.alter_column(
        "variants",
        "store_account_id",
        existing_type=sa.BigInteger(),
        existing_nullable=False,
        comment="its product's; no key of its own, that is dear",
    )
