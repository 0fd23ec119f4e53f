"""Keep the mappings of SKUs without a name by TikTok's id, where they are looked for; an existing one stays."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_SHOWN = "kind = 'sku' AND source_id LIKE 'TikTok SKU %'"
_ID = "substr({}source_id, length('TikTok SKU ') + 1)"
_TWICE = f"""
DELETE FROM mappings m WHERE {_SHOWN} AND EXISTS (SELECT 1 FROM mappings n
WHERE n.connection_id = m.connection_id AND n.kind = m.kind AND n.source_id = {_ID.format("m.")})
"""


def upgrade() -> None:
    op.execute(_TWICE)
    for table in ("mappings", "mapping_history"):
        op.execute(f"UPDATE {table} SET source_id = {_ID.format('')} WHERE {_SHOWN}")
