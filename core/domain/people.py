"""Who acts, and what their role lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Each role may do what the one before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


ROLE_WORDS: dict[Role, str] = {
    Role.VIEWER: "may look at everything and change nothing",
    Role.OPERATOR: "may also send products, edit mappings and work on issues",
    Role.ADMIN: "may also connect stores and Shops, change settings and manage users",
}
_RANK = {role: rank for rank, role in enumerate(Role)}


class Forbidden(Exception):
    """The person's role does not allow it; ``sentence`` says who can."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever does something: a user, or the program itself (``SYSTEM``, whose ``id`` is None)."""

    id: int | None
    login: str
    role: Role

    def may(self, role: Role) -> bool:
        return _RANK[self.role] >= _RANK[role]

    def require(self, role: Role) -> None:
        """Raises ``Forbidden`` unless the actor's role is ``role`` or a higher one."""
        if not self.may(role):
            raise Forbidden(
                f"{self.login} is signed in as {self.role} and this needs the role {role}: ask an administrator."
            )


SYSTEM = Actor(None, "system", Role.ADMIN)
