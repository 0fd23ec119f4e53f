"""What needs a person, and how it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Select, cast, func, select

from core.db.filters import export_status, not_deleted
from core.db.tables import api_calls, issues, listings, product_states
from core.domain.counting import noun
from core.domain.order_tabs import HOLD_WORDS
from core.domain.statuses import ExportStatus, ProductStatus
from core.domain.stock import WRITE_UNKNOWN
from core.reads.paging import COUNT_CAP, Count, count_capped, reading

DAYS = 14
_WAITING_FOR_A_PERSON = (
    ProductStatus.CATEGORY_MISSING,
    ProductStatus.NOT_READY,
    ProductStatus.FAILED,
    ProductStatus.FAILED_REVIEW,
    ProductStatus.SUSPENDED,
)

_REFUSALS = {
    ProductStatus.FAILED: (
        "refused by the Shop when it was sent",
        "refused by the Shop when they were sent",
    ),
    ProductStatus.SUSPENDED: ("taken down by the Shop", "taken down by the Shop"),
    ProductStatus.UNKNOWN: ("sent and no answer came back", "sent and no answer came back"),
}
# Issues of which there may be many: what several of them say, and the filter that shows what they are about.
_ISSUES_OF_A_KIND = {"low_stock": ("SKUs have less left than their alert value", (("state", "low"),))}


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why something waits for a person: how many, since when, and the filtered page that shows them.

    ``sentence`` goes on after the number, or stands ``alone`` where it tells of one thing only.
    """

    sentence: str
    fix: str
    count: Count
    since: datetime | None
    page: str
    parameters: tuple[tuple[str, str], ...]
    button: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    number: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a connection does. Latencies in milliseconds over the last day; None without a call."""

    products: Count
    live: Count
    in_review: Count
    disapproved: Count
    unknown: Count
    calls_today: int
    failed_calls_today: int
    median_ms: float | None
    slow_ms: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What needs a person, for the sidebar."""

    products: Count
    exports: Count


def waiting(connection_id: int) -> Waiting:
    with reading() as connection:
        return Waiting(
            _products(connection, connection_id, *_WAITING_FOR_A_PERSON),
            _exports(connection, connection_id, ExportStatus.DISAPPROVED),
        )


def numbers(connection_id: int) -> Numbers:
    with reading() as connection:
        calls = connection.execute(_call_numbers(connection_id)).one()
        mine = (product_states.c.connection_id == connection_id, not_deleted(connection_id))
        live = select(product_states.c.product_id).where(*mine)
        return Numbers(
            count_capped(connection, live),
            _products(connection, connection_id, ProductStatus.ACTIVE),
            _products(connection, connection_id, ProductStatus.UNDER_REVIEW),
            _exports(connection, connection_id, ExportStatus.DISAPPROVED),
            _products(connection, connection_id, ProductStatus.UNKNOWN),
            *calls,
        )


def _call_numbers(connection_id: int) -> Select[Any]:
    wrong = (api_calls.c.error != "") | (api_calls.c.status >= 400)
    took = api_calls.c.duration_ms
    return select(
        func.count(),
        func.count().filter(wrong),
        func.percentile_cont(0.5).within_group(took),
        func.percentile_cont(0.95).within_group(took),
    ).where(api_calls.c.connection_id == connection_id, api_calls.c.at > func.now() - timedelta(days=1))


def sent_by_day(connection_id: int) -> tuple[Day, ...]:
    """Listings sent to the Shop on each of the last 14 days (UTC), today the last."""
    day = cast(func.timezone("UTC", listings.c.sent_at), Date).label("day")
    today = cast(func.timezone("UTC", func.now()), Date)
    recent = (listings.c.connection_id == connection_id, day > today - DAYS)
    with reading() as connection:
        sent = {row[0]: row[1] for row in connection.execute(select(day, func.count()).where(*recent).group_by(day))}
        present = connection.execute(select(today)).scalar_one()
    days = [present - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return tuple(Day(one, sent.get(one, 0)) for one in days)


def causes(connection_id: int) -> tuple[Cause, ...]:
    """Of products, worst first: what is refused, then what is unknown, then what is not ready, each with its count.

    Issues of orders and what orders wait for are counted by order in ``flow_causes`` and not here; writes of stock that
    wait for a person's word are in ``unsettled_writes``.
    """
    with reading() as connection:
        found = [
            *_open_issues(connection, connection_id),
            *_refused(connection, connection_id),
            *_problems(connection, connection_id),
        ]
    return tuple(cause for cause in found if cause.count.number)


def _open_issues(connection: Connection, connection_id: int) -> list[Cause]:
    about = (issues.c.connection_id == connection_id) | issues.c.connection_id.is_(None)
    statement = (
        select(
            issues.c.code,
            func.min(issues.c.sentence),
            func.min(issues.c.fix),
            func.count(),
            func.min(issues.c.opened_at),
            func.min(issues.c.link),
        )
        .where(about, issues.c.closed_at.is_(None), issues.c.subject_kind != "order")
        .where(issues.c.code.not_in([*HOLD_WORDS, WRITE_UNKNOWN]))
        .group_by(issues.c.code)
        .order_by(func.count().desc())
        .limit(20)
    )
    return [_issue(*row) for row in connection.execute(statement)]


def _issue(code: str, sentence: str, fix: str, number: int, since: datetime, link: str) -> Cause:
    """One issue speaks for itself; of several of a kind the one shown is an example."""
    words, parameters = _ISSUES_OF_A_KIND.get(code, (f"issues such as: {sentence}", ()))
    said = sentence if number == 1 else words
    return Cause(said, fix, Count(number), since, link or "activity", parameters, "Open", alone=number == 1)


def _refused(connection: Connection, connection_id: int) -> list[Cause]:
    disapproved = _exports(connection, connection_id, ExportStatus.DISAPPROVED)
    oldest = _oldest(connection, listings.c.reviewed_at, connection_id)
    found = [
        Cause(
            f"{noun(disapproved.number, 'listing was', 'listings were')} disapproved by the Shop",
            "Look at the reasons, put them right and send again.",
            disapproved,
            oldest,
            "exports",
            (("tab", ExportStatus.DISAPPROVED.value),),
            "See the reasons",
        )
    ]
    for status, (one, several) in _REFUSALS.items():
        count = _products(connection, connection_id, status)
        since = _since(connection, connection_id, status) if count.number else None
        fix = "Open a product to see what the Shop said."
        said = noun(count.number, f"product was {one}", f"products were {several}")
        found.append(Cause(said, fix, count, since, "products", (("status", str(status)),), "See them"))
    return found


def _problems(connection: Connection, connection_id: int) -> list[Cause]:
    """Products that are not ready, by the first thing that is wrong with each; of very many only some are counted."""
    first = product_states.c.problems[0]
    code = first["code"].astext.label("code")
    waits = product_states.c.status.in_([ProductStatus.NOT_READY, ProductStatus.CATEGORY_MISSING])
    some = (
        select(code, first["fix"].astext.label("fix"), product_states.c.changed_at)
        .where(product_states.c.connection_id == connection_id, waits, not_deleted(connection_id))
        .limit(COUNT_CAP + 1)
        .cte("some")
    )
    number = func.count()
    looked_at = select(number).select_from(some).scalar_subquery()
    statement = (
        select(some.c.code, func.min(some.c.fix), number, func.min(some.c.changed_at), looked_at)
        .where(some.c.code.is_not(None))
        .group_by(some.c.code)
        .order_by(number.desc())
        .limit(12)
    )
    return [
        Cause(
            f"{noun(found, 'product is', 'products are')} not ready: {code.replace('_', ' ')}",
            fix or "",
            Count(found, looked > COUNT_CAP),
            since,
            "products",
            (("tab", "Not ready"), ("problem", code), ("first", "1")),
            "See them",
        )
        for code, fix, found, since, looked in connection.execute(statement)
    ]


def _products(connection: Connection, connection_id: int, *statuses: ProductStatus) -> Count:
    mine = (product_states.c.connection_id == connection_id, product_states.c.status.in_(statuses))
    return count_capped(connection, select(product_states.c.product_id).where(*mine, not_deleted(connection_id)))


def _exports(connection: Connection, connection_id: int, status: ExportStatus) -> Count:
    mine = (listings.c.connection_id == connection_id, listings.c.remote_id.is_not(None))
    return count_capped(connection, select(listings.c.id).where(*mine, export_status(status)))


def _since(connection: Connection, connection_id: int, status: ProductStatus) -> datetime | None:
    which = (product_states.c.connection_id == connection_id, product_states.c.status == status)
    found: datetime | None = connection.scalar(select(func.min(product_states.c.changed_at)).where(*which))
    return found


def _oldest(connection: Connection, column: ColumnElement[Any], connection_id: int) -> datetime | None:
    which = (listings.c.connection_id == connection_id, export_status(ExportStatus.DISAPPROVED))
    found: datetime | None = connection.scalar(select(func.min(column)).where(*which))
    return found
