"""Logging as JSON lines, and what the present work is about, so that every call and line can be traced to it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import structlog

_SECRET_WORDS = ("token", "secret", "password", "authorization", "cookie", "auth_code", "sign", "api_key")


@dataclass(frozen=True, slots=True)
class Topic:
    """What the present work is about: the row it belongs to, its run item, its connection."""

    subject: str = ""
    run_item_id: int | None = None
    connection_id: int | None = None


_NOTHING = Topic()
_topic: ContextVar[Topic] = ContextVar("topic", default=_NOTHING)  # frozen, so shared safely


def topic() -> Topic:
    return _topic.get()


@contextmanager
def about(
    *, subject: str | None = None, run_item_id: int | None = None, connection_id: int | None = None
) -> Iterator[None]:
    """Everything logged and called inside belongs to ``subject`` (``product:12``, ``listing:7``, ``order:5`` …)."""
    given: dict[str, Any] = {"subject": subject, "run_item_id": run_item_id, "connection_id": connection_id}
    mark = _topic.set(replace(_topic.get(), **{name: value for name, value in given.items() if value is not None}))
    try:
        yield
    finally:
        _topic.reset(mark)


def _add_topic(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    present = _topic.get()
    for name in ("subject", "run_item_id", "connection_id"):
        value = getattr(present, name)
        if value not in ("", None):
            event.setdefault(name, value)
    return event


def _redact(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in event:
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = "[redacted]"
    return event


def configure(level: str = "info") -> None:
    """Set up logging of this process; call once at its start."""
    logging.basicConfig(level=level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for noisy in ("httpx", "httpcore", "procrastinate", "schedule"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_topic,
            _redact,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def log() -> Any:
    """The logger; every line carries ``action``, the word that names its flow."""
    return structlog.get_logger()
