"""connect_store: a store's credentials are tried, then kept sealed; later they are tried again or replaced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import store_accounts
from core.domain.catalog import Business
from core.domain.errors import Expired, NotConfigured, Refused, RemoteError
from core.domain.people import Actor
from core.ports import Store
from core.secrets import sealer
from core.services import audit
from core.services.connection_fit import apply_fit
from core.services.issues import close_issue, open_issue
from core.services.webhook_registration import register_again

REFUSED_CODE = "store_refused"


class StoreRefused(Exception):
    """The credentials do not work, or not for what is needed; ``sentence`` says which and what to do."""

    def __init__(self, sentence: str, *, for_good: bool) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.for_good = for_good  # False: the store could not be reached, nothing is known of the credentials


@dataclass(frozen=True, slots=True)
class StoreAdded:
    store_account_id: int
    business: Business


def try_store(store: Store) -> Business:
    """Prove that the credentials work and may read the catalogue. Raises ``StoreRefused``."""
    try:
        business = store.business()
        next(iter(store.products()), ())
        store.categories()
    except Expired as error:
        raise StoreRefused(
            f"The store refuses this key or secret ({error.code or 'not authorised'}): copy both again from the "
            f"store's admin, Account, API keys. A key that was made anew there ends the old one.",
            for_good=True,
        ) from error
    except (NotConfigured, Refused) as error:
        raise StoreRefused(
            f"The key works but may not do all that is needed: {error.sentence} Edit the key's permissions in the "
            f"store's admin, Account, API keys.",
            for_good=True,
        ) from error
    except RemoteError as error:
        raise StoreRefused(f"The store could not be asked: {error.sentence} Try again.", for_good=False) from error
    return business


def connect_store(
    store: Store, *, platform: str, base_url: str, credentials: Mapping[str, str], by: Actor
) -> StoreAdded:
    """Try the credentials and keep them. The same business entered again gets its new credentials, and keeps
    everything else. ``store`` was made from exactly these credentials. Raises ``StoreRefused``."""
    business = try_store(store)
    with transaction() as conn:
        account_id = _save_account(conn, platform, base_url, business)
        _save_credentials(conn, account_id, credentials)
        register_again(conn, account_id)
        apply_fit(conn, store_account_id=account_id)
        audit.record(
            conn, user=by, action="connect_store", subject=f"store:{account_id}", detail={"business": business.name}
        )
    return StoreAdded(account_id, business)


def replace_credentials(store: Store, store_account_id: int, credentials: Mapping[str, str], by: Actor) -> Business:
    """New credentials for a store that is known. Raises ``StoreRefused``, also when they belong to another store."""
    business = try_store(store)
    with transaction() as conn:
        row = conn.execute(select(store_accounts).where(store_accounts.c.id == store_account_id)).one()
        if row.business_id != business.remote_id:
            raise StoreRefused(
                f"These credentials belong to {business.name}, not to {row.name}: enter them as a new store instead.",
                for_good=True,
            )
        _save_account(conn, row.platform, row.base_url, business)
        _save_credentials(conn, store_account_id, credentials)
        register_again(conn, store_account_id)
        apply_fit(conn, store_account_id=store_account_id)
        audit.record(conn, user=by, action="replace_store_credentials", subject=f"store:{store_account_id}")
    return business


def check_store(store: Store, store_account_id: int) -> Business:
    """Try the saved credentials again and keep what was learnt: name, domain, country and currency, or the refusal.

    Raises ``StoreRefused``.
    """
    try:
        business = try_store(store)
    except StoreRefused as error:
        if error.for_good:
            mark_refused(store_account_id, error.sentence)
        raise
    with transaction() as conn:
        row = conn.execute(select(store_accounts).where(store_accounts.c.id == store_account_id)).one()
        _save_account(conn, row.platform, row.base_url, business)
        apply_fit(conn, store_account_id=store_account_id)
    return business


def load_credentials(conn: Connection, store_account_id: int) -> dict[str, str]:
    """The credentials by field name, opened."""
    wanted = select(store_accounts.c.credentials).where(store_accounts.c.id == store_account_id)
    sealed = conn.execute(wanted).scalar_one()
    opened: dict[str, str] = json.loads(sealer().open(sealed, _place(store_account_id)))
    return opened


def _save_account(conn: Connection, platform: str, base_url: str, business: Business) -> int:
    known = {"platform": platform, "base_url": base_url, "business_id": business.remote_id}
    learnt = {
        "name": business.name,
        "domain": business.domain,
        "country": business.country,
        "currency": business.currency,
        "status": "ok",
        "status_sentence": "",
        "checked_at": func.now(),
    }
    row = insert(store_accounts).values(credentials=b"", **known, **learnt)
    saving = row.on_conflict_do_update(index_elements=list(known), set_=learnt).returning(store_accounts.c.id)
    account_id = int(conn.execute(saving).scalar_one())
    close_issue(conn, subject=("store", str(account_id)), code=REFUSED_CODE)
    return account_id


def _save_credentials(conn: Connection, store_account_id: int, credentials: Mapping[str, str]) -> None:
    sealed = sealer().seal(json.dumps(dict(credentials)), _place(store_account_id))
    changing = update(store_accounts).where(store_accounts.c.id == store_account_id)
    conn.execute(changing.values(credentials=sealed))


def mark_accepted(conn: Connection, store_account_id: int) -> None:
    """The saved credentials worked: an earlier refusal is over."""
    refused = (store_accounts.c.id == store_account_id, store_accounts.c.status != "ok")
    accepted = update(store_accounts).where(*refused).values(status="ok", status_sentence="", checked_at=func.now())
    if conn.execute(accepted).rowcount:
        close_issue(conn, subject=("store", str(store_account_id)), code=REFUSED_CODE)


def mark_refused(store_account_id: int, sentence: str) -> None:
    """The store turned the saved credentials down: said on the account, and an issue for whoever can fix it."""
    with transaction() as conn:
        changing = update(store_accounts).where(store_accounts.c.id == store_account_id)
        conn.execute(changing.values(status="refused", status_sentence=sentence, checked_at=func.now()))
        open_issue(
            conn,
            connection_id=None,
            subject=("store", str(store_account_id)),
            code=REFUSED_CODE,
            sentence=sentence,
            fix="Enter the credentials again in Settings.",
            link="settings",
        )


def _place(store_account_id: int) -> str:
    return f"store_accounts/{store_account_id}/credentials"
