"""issues: what a person has to look at. One open row per subject and code, however often it is met."""

from __future__ import annotations

from sqlalchemy import Connection, func, update
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import issues


def open_issue(
    conn: Connection,
    *,
    connection_id: int | None,
    subject: tuple[str, str],
    code: str,
    sentence: str,
    fix: str = "",
    link: str = "",
) -> None:
    """Open the issue, or count it once more. ``subject`` is (kind, id); ``link`` the console page that helps."""
    kind, subject_id = subject
    row = insert(issues).values(
        connection_id=connection_id,
        subject_kind=kind,
        subject_id=subject_id,
        code=code,
        sentence=sentence,
        fix=fix,
        link=link,
    )
    again = {part: row.excluded[part] for part in ("sentence", "fix", "link")}
    conn.execute(
        row.on_conflict_do_update(
            index_elements=["connection_id", "subject_kind", "subject_id", "code"],
            index_where=issues.c.closed_at.is_(None),
            set_=again | {"times": issues.c.times + 1, "seen_at": func.now()},
        )
    )


def close_issue(conn: Connection, *, subject: tuple[str, str], code: str) -> None:
    """The cause is gone: close it for every connection. Nothing happens when it is not open."""
    kind, subject_id = subject
    conn.execute(
        update(issues)
        .where(
            issues.c.subject_kind == kind,
            issues.c.subject_id == subject_id,
            issues.c.code == code,
            issues.c.closed_at.is_(None),
        )
        .values(closed_at=func.now())
    )
