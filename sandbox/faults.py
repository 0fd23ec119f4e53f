"""Faults on purpose: which call or webhook goes wrong, and how, by switch or by seeded chance."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

CALL_FAULTS = frozenset(
    {
        "rate_429",
        "http_500",
        "http_502",
        "http_503",
        "slow",
        "cut_before",
        "cut_after",
        "truncated",
        "wrong_type",
        "html_page",
        "expired_token",
        "revoked_shop",
        "hidden_errors",
        "moved",
        "token_expired",
        "missing_detail",
    }
)
# The call takes place; its handler does the harm itself.
OF_HANDLERS = frozenset({"hidden_errors", "moved", "token_expired", "missing_detail"})
WEBHOOK_FAULTS = frozenset({"duplicate", "late", "reordered", "forged", "lost"})
_KEYS = frozenset({"vendor", "endpoint", "fault", "rate", "times", "seconds", "retry_after"})


class ControlError(ValueError):
    """A control request that makes no sense; the text is a sentence for whoever sent it."""


@dataclass
class Rule:
    """One fault.

    `endpoint` is a pattern over `METHOD /path/{template}` for calls and over `WEBHOOK topic` for webhooks, where `*`
    stands for anything. `rate` is a chance from 0 to 1, `times` how often it still happens (None: without end),
    `seconds` the delay of slow, late and reordered, `retry_after` the header of a 429 (None: no header).
    """

    vendor: str
    endpoint: str
    fault: str
    rate: float
    times: int | None
    seconds: float | None
    retry_after: str | None
    random: Random = field(repr=False)

    def covers(self, vendor: str, endpoint: str) -> bool:
        """Whether this rule speaks about the call or webhook."""
        return self.vendor in ("*", vendor) and fnmatchcase(endpoint, self.endpoint)

    def strikes(self) -> bool:
        """Draw once; a strike uses up one of `times`."""
        if self.times == 0 or self.random.random() >= self.rate:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The rules in force. They live in memory: a restarted sandbox is a healthy one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def replace(self, seed: int, rules: list[dict[str, Any]]) -> None:
        """Put these rules in force instead of the old ones; a rule that makes no sense raises ControlError."""
        made = [_rule(seed, index, rule) for index, rule in enumerate(rules)]
        with self._lock:
            self._rules = made

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._rules = []

    def describe(self) -> list[dict[str, Any]]:
        """The rules in force with what is left of their `times`."""
        with self._lock:
            return [{key: getattr(rule, key) for key in sorted(_KEYS)} for rule in self._rules]

    def pick(self, vendor: str, endpoint: str) -> Rule | None:
        """The first rule that strikes this call (`METHOD /template`) or webhook (`WEBHOOK topic`), else None."""
        if not self._rules:
            return None
        wanted = WEBHOOK_FAULTS if endpoint.startswith("WEBHOOK ") else CALL_FAULTS
        with self._lock:
            for rule in self._rules:
                if rule.fault in wanted and rule.covers(vendor, endpoint) and rule.strikes():
                    return rule
        return None


def _rule(seed: int, index: int, given: dict[str, Any]) -> Rule:
    if not isinstance(given, dict):
        raise ControlError(f"Rule {index} must be an object, not {given!r}.")
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise ControlError(f"Rule {index} has the unknown key {unknown[0]!r}; use {', '.join(sorted(_KEYS))}.")
    fault = given.get("fault")
    if fault not in CALL_FAULTS | WEBHOOK_FAULTS:
        known = ", ".join(sorted(CALL_FAULTS | WEBHOOK_FAULTS))
        raise ControlError(f"Rule {index} names the unknown fault {fault!r}; use one of {known}.")
    rate = given.get("rate", 1.0)
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ControlError(f"Rule {index} has the rate {rate!r}; give a number from 0 to 1.")
    times = given.get("times")
    if times is not None and (not isinstance(times, int) or times < 0):
        raise ControlError(f"Rule {index} has times {times!r}; give a whole number or null.")
    retry_after = given.get("retry_after")
    return Rule(
        vendor=str(given.get("vendor", "*")),
        endpoint=str(given.get("endpoint", "*")),
        fault=str(fault),
        rate=float(rate),
        times=times,
        seconds=given.get("seconds"),
        retry_after=None if retry_after is None else str(retry_after),
        # A stream of its own per rule: what one rule does never shifts the luck of another.
        random=Random(f"{seed}:{index}"),
    )
