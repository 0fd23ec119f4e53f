"""Print an address that signs the first administrator in, once and within 15 minutes: ``python -m console.sign_in``."""

from __future__ import annotations

import sys

from sqlalchemy.exc import OperationalError

from core.config import SettingsError, settings
from core.services import people
from core.services.database import transaction


def main() -> int:
    try:
        config = settings()
        with transaction() as connection:
            print(people.sign_in_url(connection, config.console_url))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"The database cannot be reached: {error.orig}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
