"""tiktok_apps: the apps registered in TikTok Shop Partner Center that act for us; a Shop names its app."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.tables import tiktok_apps
from core.domain.people import Actor
from core.secrets import sealer
from core.services import audit


class AppError(Exception):
    """What was entered cannot be an app; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class TikTokApp:
    """An app with its secret opened: keep it out of logs."""

    id: int
    app_key: str
    app_secret: str
    service_id: str
    name: str


def save_app(conn: Connection, *, app_key: str, app_secret: str, service_id: str, name: str = "", by: Actor) -> int:
    """Keep an app; an app key that is known gets the new values, an empty secret leaves the old one.

    Raises ``AppError`` for a part that is missing or mistaken for another.
    """
    app_key, app_secret, service_id = app_key.strip(), app_secret.strip(), service_id.strip()
    _check(app_key, service_id)
    row = insert(tiktok_apps).values(app_key=app_key, app_secret=b"", service_id=service_id, name=name.strip())
    known = {"service_id": service_id, "name": name.strip()}
    saving = row.on_conflict_do_update(index_elements=["app_key"], set_=known)
    saved = conn.execute(saving.returning(tiktok_apps.c.id, tiktok_apps.c.app_secret)).one()
    if app_secret:
        sealed = sealer().seal(app_secret, _place(saved.id))
        conn.execute(update(tiktok_apps).where(tiktok_apps.c.id == saved.id).values(app_secret=sealed))
    elif not saved.app_secret:
        raise AppError("The app secret is missing: copy it from the app's page in TikTok Shop Partner Center.")
    audit.record(conn, user=by, action="save_app", subject=f"app:{saved.id}", detail={"app_key": app_key})
    return int(saved.id)


def load_app(conn: Connection, app_id: int) -> TikTokApp:
    found = _find(conn, tiktok_apps.c.id == app_id)
    if found is None:
        raise AppError(f"There is no TikTok app {app_id}.")
    return found


def find_app(conn: Connection, app_key: str) -> TikTokApp | None:
    return _find(conn, tiktok_apps.c.app_key == app_key)


def _find(conn: Connection, condition: ColumnElement[bool]) -> TikTokApp | None:
    row = conn.execute(select(tiktok_apps).where(condition)).one_or_none()
    if row is None:
        return None
    return TikTokApp(row.id, row.app_key, sealer().open(row.app_secret, _place(row.id)), row.service_id, row.name)


def _check(app_key: str, service_id: str) -> None:
    if not app_key:
        raise AppError("The app key is missing: copy it from the app's page in TikTok Shop Partner Center.")
    if not service_id.isdigit():
        raise AppError(
            f"The service id {service_id!r} must be a number: it stands in the authorisation link of the app's page "
            f"in TikTok Shop Partner Center and is not the app key."
        )


def _place(app_id: int) -> str:
    return f"tiktok_apps/{app_id}/app_secret"
