"""Who pulls a store's catalogue now, and how far the pull has come: one row of ``pull_states`` per store account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.db.engine import transaction
from core.db.tables import pull_states

LEASE_S = 90


class LeaseLost(Exception):
    """Somebody else has taken the pull over since; nothing of ours may be stored any more."""


@dataclass(frozen=True, slots=True)
class PullState:
    """``full_offset`` is the row a full pull goes on from; it is under way between its start and its end."""

    cursor: str | None
    full_started_at: datetime | None
    full_finished_at: datetime | None
    full_offset: int
    full_total: int | None

    @property
    def full_under_way(self) -> bool:
        if self.full_started_at is None:
            return False
        return self.full_finished_at is None or self.full_finished_at < self.full_started_at

    def began_since(self, moment: datetime) -> bool:
        """Whether the last full pull began at ``moment`` or later."""
        return self.full_started_at is not None and self.full_started_at >= moment


@dataclass(frozen=True, slots=True)
class PullLease:
    """The right to pull one account's catalogue until somebody takes it over."""

    store_account_id: int
    attempt: int

    @contextmanager
    def saving(self, **values: Any) -> Iterator[Connection]:
        """A transaction that counts only while the lease is ours, and renews it. ``values`` go into the pull state.

        Raises ``LeaseLost`` before anything is written.
        """
        mine = (pull_states.c.store_account_id == self.store_account_id) & (pull_states.c.lease_attempt == self.attempt)
        with transaction() as connection:
            renewed = pull_states.update().where(mine).values(lease_until=_soon(), **values)
            if connection.execute(renewed).rowcount != 1:
                raise LeaseLost
            yield connection

    def release(self) -> None:
        """Let others have it now; nothing happens when it is no longer ours."""
        mine = (pull_states.c.store_account_id == self.store_account_id) & (pull_states.c.lease_attempt == self.attempt)
        with transaction() as connection:
            connection.execute(pull_states.update().where(mine).values(lease_until=None))


def take_pull(store_account_id: int) -> PullLease | int:
    """The lease, or for how many seconds somebody else still holds it."""
    free = pull_states.c.lease_until.is_(None) | (pull_states.c.lease_until <= func.now())
    taken = (
        pull_states.update()
        .where(pull_states.c.store_account_id == store_account_id, free)
        .values(lease_until=_soon(), lease_attempt=pull_states.c.lease_attempt + 1)
        .returning(pull_states.c.lease_attempt)
    )
    with transaction() as connection:
        made = insert(pull_states).values(store_account_id=store_account_id).on_conflict_do_nothing()
        connection.execute(made)
        attempt = connection.execute(taken).scalar()
        if attempt is not None:
            return PullLease(store_account_id, attempt)
        left = func.extract("epoch", pull_states.c.lease_until - func.now())
        seconds = connection.scalar(select(left).where(pull_states.c.store_account_id == store_account_id))
    return max(1, int(seconds or 0) + 1)


def pull_state(store_account_id: int) -> PullState:
    """How far the pull is. Raises ``NoResultFound`` for an account that was never pulled."""
    chosen = select(pull_states).where(pull_states.c.store_account_id == store_account_id)
    with transaction() as connection:
        row = connection.execute(chosen).one()
    return PullState(row.cursor, row.full_started_at, row.full_finished_at, row.full_offset, row.full_total)


def _soon() -> Any:
    return func.now() + text("make_interval(secs => :lease)").bindparams(lease=LEASE_S)
