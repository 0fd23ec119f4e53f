"""SVG drawings that were refused before they could be drawn are looked at again."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM picture_checks WHERE error LIKE 'it is an SVG drawing%'")
    op.execute("UPDATE product_states SET assessed_hash = NULL WHERE 'picture_unusable' = ANY(problem_codes)")
