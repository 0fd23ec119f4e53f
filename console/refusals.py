"""The ways in which a service says no in words; anything else is a defect and is not caught."""

from __future__ import annotations

from core.config import settings
from core.domain.errors import RemoteError
from core.domain.mapping import MappingRefused
from core.domain.own_content import OwnContentRefused
from core.domain.people import Forbidden
from core.services.authorisation import AuthorisationError
from core.services.connect_store import StoreRefused
from core.services.issues import IssueChanged
from core.services.live import NotLive
from core.services.people import PeopleError
from core.services.settings_of_connection import SettingError
from core.services.stock_rules import RuleError
from core.services.stock_writes import SettlingRefused
from core.services.tiktok_apps import AppError


class NotPossible(Exception):
    """What was asked of the console cannot be done now; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


REFUSALS = (
    Forbidden,
    NotPossible,
    MappingRefused,
    OwnContentRefused,
    PeopleError,
    AuthorisationError,
    StoreRefused,
    SettingError,
    AppError,
    NotLive,
    RuleError,
    SettlingRefused,
    IssueChanged,
    RemoteError,
)


def sentence_of(refusal: Exception) -> str:
    """The refusal's own sentence, and whom to ask."""
    said = str(getattr(refusal, "sentence", refusal))
    return f"{said} {help_line()}".rstrip()


def help_line() -> str:
    """Whom the console names when help is needed; empty when nobody is set."""
    contact = settings().support_contact
    return f"Help: {contact}" if contact else ""
