"""Open issues of orders that the store has: of one order for its drawer, and of all by what is the matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, cast, func, select

from core.db.order_filters import has_issue
from core.db.tables import issues, shop_orders
from core.reads.paging import reading


@dataclass(frozen=True, slots=True)
class OrderIssue:
    """``times``: how often it happened while it is open."""

    id: int
    sentence: str
    fix: str
    times: int
    since: datetime


@dataclass(frozen=True, slots=True)
class IssueGroup:
    """Orders with an open issue of one code, one of the sentences, and since when the oldest is open."""

    code: str
    orders: int
    sentence: str
    fix: str
    since: datetime


def order_issues(connection_id: int, order_id: int) -> tuple[OrderIssue, ...]:
    """The oldest first."""
    i, o = issues.c, shop_orders.c
    joined = issues.join(shop_orders, o.id == cast(i.subject_id, BigInteger))
    mine = (o.id == order_id, o.connection_id == connection_id, o.import_state == "imported")
    open_ones = (i.subject_kind == "order", i.subject_id == str(order_id), i.closed_at.is_(None))
    wanted = select(i.id, i.sentence, i.fix, i.times, i.opened_at).select_from(joined).where(*open_ones, *mine)
    with reading() as conn:
        return tuple(OrderIssue(*row) for row in conn.execute(wanted.order_by(i.opened_at, i.id)))


def issue_groups(connection_id: int) -> tuple[IssueGroup, ...]:
    """Those of most orders first; their orders are those that ``OrderFilter.issue`` finds."""
    i, o = issues.c, shop_orders.c
    mine = select(o.id).where(o.connection_id == connection_id, has_issue(connection_id, o)).subquery()
    joined = issues.join(mine, mine.c.id == cast(i.subject_id, BigInteger))
    number = func.count(mine.c.id.distinct())
    columns = (i.code, number, func.min(i.sentence), func.min(i.fix), func.min(i.opened_at))
    wanted = select(*columns).select_from(joined).where(i.subject_kind == "order", i.closed_at.is_(None))
    with reading() as conn:
        return tuple(IssueGroup(*row) for row in conn.execute(wanted.group_by(i.code).order_by(number.desc(), i.code)))
