"""What a start needs of the database, in one process for speed: ``python -m core.services.prepare``.

Brings it to this version's schema, sees that the keys are there that open what it holds, and prints a sign-in link.
"""

from __future__ import annotations

import sys

from sqlalchemy.exc import OperationalError

from core.config import SettingsError, settings
from core.db.engine import transaction
from core.db.migrate import upgrade
from core.secrets import SecretsError
from core.services.people import sign_in_url
from core.services.secret_keys import ensure_keys


def main() -> int:
    doing = "The settings cannot be used"
    try:
        config = settings()
        doing = "The database could not be migrated"
        upgrade(config.database_url)
        with transaction() as connection:
            doing = "The secrets cannot be read"
            ensure_keys(connection, config)
            doing = "No sign-in link could be made"
            print(sign_in_url(connection, config.console_url))
    except (SettingsError, SecretsError) as error:
        print(f"{doing}: {error}", file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"{doing}: the database cannot be reached: {error.orig}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
