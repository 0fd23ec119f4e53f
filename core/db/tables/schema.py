"""The one ``MetaData`` and the column shapes that recur."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, MetaData, func
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key() -> Column[int]:
    return Column("id", BigInteger, Identity(), primary_key=True)


def link(name: str, target: str, *, nullable: bool = False, ondelete: str = "CASCADE", **kw: Any) -> Column[int]:
    """A foreign key to ``target``.id."""
    return Column(name, BigInteger, ForeignKey(f"{target}.id", ondelete=ondelete), nullable=nullable, **kw)


def moment(name: str, *, nullable: bool = True, now: bool = False, comment: str | None = None) -> Column[Any]:
    """A time with zone; ``now``: filled in by the database when the row is made."""
    default = func.now() if now else None
    kind = DateTime(timezone=True)
    return Column(name, kind, nullable=nullable and not now, server_default=default, comment=comment)


def document(name: str, default: str | None = "{}") -> Column[Any]:
    return Column(name, JSONB, nullable=default is None, server_default=default)
