"""Procrastinate's tables, as shipped with version 3.10."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    sql = (Path(__file__).parent / "procrastinate_3_10.sql").read_text()
    op.get_bind().connection.driver_connection.execute(sql)  # type: ignore[union-attr]
