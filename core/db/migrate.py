"""Bring the database to the schema of this version: ``python -m core.db.migrate``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from core.config import SettingsError, load

_HERE = Path(__file__).parent


def configuration(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str) -> None:
    """To the newest revision; safe to call from several processes at once."""
    command.upgrade(configuration(url), "head")


def wait_until_current(engine: Engine, *, seconds: float = 60) -> None:
    """For the processes that do not migrate: return once the schema is ours.

    Raises ``RuntimeError`` with a sentence when it is not within ``seconds``.
    """
    head = ScriptDirectory.from_config(configuration("")).get_current_head()
    ends = time.monotonic() + seconds
    found = None
    while time.monotonic() < ends:
        try:
            with engine.connect() as connection:
                found = MigrationContext.configure(connection).get_current_revision()
        except OperationalError:
            found = None
        if found == head:
            return
        time.sleep(0.3)
    raise RuntimeError(
        f"The database is at revision {found or 'none'}, this version needs {head}: run 'run.py migrate'."
    )


def main() -> int:
    try:
        config = load()
        upgrade(config.database_url)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"The database cannot be reached: {error.orig}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
