"""Take the words of order searches out of the audit: they may be a customer's name, and every role reads it."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BLANK = """
UPDATE audit SET detail = jsonb_set(detail, '{selection,orders,text}', '"[text]"')
WHERE coalesce(detail #>> '{selection,orders,text}', '') NOT IN ('', '[text]')
"""


def upgrade() -> None:
    op.execute(BLANK)
