"""Print an address that signs the first administrator in, once and within 15 minutes: ``python -m console.sign_in``."""

from __future__ import annotations

import sys

from sqlalchemy.exc import OperationalError

from core.config import SettingsError, settings
from core.services import people
from core.services.database import transaction


def sign_in_url() -> str:
    """Makes the user "admin" when there is no user at all."""
    config = settings()
    with transaction() as connection:
        admin = people.ensure_first_admin(connection)
        token = people.make_sign_in_link(connection, admin.id or 0)
    return f"http://127.0.0.1:{config.console_port}/sign-in?token={token}"


def main() -> int:
    try:
        print(sign_in_url())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"The database cannot be reached: {error.orig}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
