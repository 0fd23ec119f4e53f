"""What the store's shipping rates are called. The amounts that were saved as a default rate were never used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "names, as last read; NULL: not read, or the store does not tell them"
    op.add_column("store_accounts", sa.Column("shipping_rates", ARRAY(sa.Text()), nullable=True, comment=comment))
    op.execute("DELETE FROM connection_settings WHERE name = 'default_shipping_rate'")
