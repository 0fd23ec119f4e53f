"""issues: what a person has to look at. One open row per subject and code, however often it is met."""

from __future__ import annotations

from sqlalchemy import Connection, func, update
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import issues
from core.domain.people import Actor
from core.services import audit


class IssueChanged(Exception):
    """The issue is not as the person saw it; ``sentence`` says so."""

    def __init__(self) -> None:
        self.sentence = "This was settled already, or it happened again meanwhile: look at it once more."
        super().__init__(self.sentence)


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


def settle_issue(conn: Connection, issue_id: int, times: int, *, connection_id: int, by: Actor) -> None:
    """A person says that it is settled; when it happens again it is opened again. Recorded.

    ``times`` is how often it had happened when the person saw it. Raises ``IssueChanged`` when that is not so any more.
    """
    i = issues.c
    seen = (i.id == issue_id, i.times == times, i.closed_at.is_(None))
    closing = update(issues).where(*seen).values(closed_at=func.now())
    row = conn.execute(closing.returning(i.subject_kind, i.subject_id, i.code, i.sentence)).first()
    if row is None:
        raise IssueChanged
    audit.record(
        conn,
        user=by,
        action="settle_issue",
        connection_id=connection_id,
        subject=f"{row.subject_kind}:{row.subject_id}",
        detail={"code": row.code, "sentence": row.sentence},
    )
