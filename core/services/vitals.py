"""vitals: the few numbers that tell from outside whether the whole system keeps up."""

from __future__ import annotations

from sqlalchemy import func, select, text

from core.db.engine import transaction
from core.db.tables import connections, inbox, issues, shops, short_links


def database_time() -> str:
    """The database's clock as ISO 8601; raises SQLAlchemy's ``OperationalError`` when it cannot be reached."""
    with transaction() as conn:
        return str(conn.execute(select(func.now())).scalar_one().isoformat())


def gauges() -> dict[str, float]:
    """Name and value, by metric name without prefix."""
    with transaction() as conn:
        jobs = conn.execute(
            text("SELECT status::text, count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY 1")
        )
        found = {"jobs_todo": 0.0, "jobs_doing": 0.0} | {f"jobs_{status}": float(count) for status, count in jobs}
        found["hints_waiting"] = conn.execute(
            select(func.count()).select_from(inbox).where(inbox.c.status == "waiting")
        ).scalar_one()
        found["issues_open"] = conn.execute(
            select(func.count()).select_from(issues).where(issues.c.closed_at.is_(None))
        ).scalar_one()
        live = connections.c.disconnected_at.is_(None)
        found["connections_live"] = conn.execute(select(func.count()).select_from(connections).where(live)).scalar_one()
        found["shops_locked_out"] = conn.execute(
            select(func.count()).select_from(shops).where(shops.c.status != "ok")
        ).scalar_one()
        found["short_link_clicks"] = conn.execute(select(func.coalesce(func.sum(short_links.c.clicks), 0))).scalar_one()
    return {name: float(value) for name, value in found.items()}
