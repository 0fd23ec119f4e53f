"""The console's process: ``python console/serve.py``. Settings come from ``CROSSDOCK_*`` and ``DATABASE_URL``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not console/ itself, whose file names are nobody's modules

import streamlit as st
from sqlalchemy.exc import OperationalError
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from console.doors import DOORS
from console.gate import Gate, SecurityHeaders
from console.pictures import PICTURES
from core import logs
from core.config import Settings, SettingsError, settings
from core.services.database import wait_for_schema

LOCAL_NAMES = ("127.0.0.1", "::1", "localhost")


def build() -> st.App:
    """The pages behind the gate. Streamlit allows one such object in a process."""
    # Otherwise the first visit of a new process to /products runs that page without the frame around it: Streamlit
    # takes a folder named pages for its older way of navigation until st.navigation was called once.
    PagesManager.uses_pages_directory = False
    guards = [Middleware(SecurityHeaders), Middleware(Gate)]
    return st.App(ROOT / "console" / "app.py", routes=[*DOORS, *PICTURES], middleware=guards)


def options(config: Settings) -> dict[str, object]:
    """Streamlit's settings that depend on ours; the fixed ones are in .streamlit/config.toml."""
    return {
        "server.port": config.console_port,
        "server.address": config.console_address,
        "server.allowedHosts": [*LOCAL_NAMES, config.console_address, *config.console_hosts],
    }


def main() -> int:
    os.chdir(ROOT)  # where Streamlit looks for .streamlit/config.toml
    try:
        config = settings()
        wait_for_schema()
        logs.configure(config.log_level)
    except (SettingsError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"The database cannot be reached: {error.orig}".strip(), file=sys.stderr)
        return 1
    build().run(config=options(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
