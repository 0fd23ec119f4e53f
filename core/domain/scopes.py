"""The permissions a TikTok app needs, what each is for, and how a missing one is put right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """``essential``: without it a connection is of no use at all."""

    name: str
    purpose: str
    essential: bool = False


# Names as TikTok Shop Partner Center, "Access scopes", has them.
SCOPES: tuple[Scope, ...] = (
    Scope("seller.authorization.info", "finding the Shop and registering webhooks", essential=True),
    Scope("seller.product.basic", "reading products, categories and brands", essential=True),
    Scope("seller.product.write", "sending products, prices and stock", essential=True),
    Scope("seller.logistics", "reading warehouses and delivery options"),
    Scope("seller.order.info", "reading orders"),
    Scope("seller.order.ext_ref.write", "telling the Shop the store's order numbers"),
    Scope("seller.fulfillment.basic", "reading packages and uploading tracking"),
)
FIX = (
    "Add it in TikTok Shop Partner Center under App & Service, Manage API, then authorise the Shop again: "
    "renewing the token does not add a permission."
)


def missing(granted: Iterable[str]) -> tuple[Scope, ...]:
    """The permissions that were not granted; none when the Shop did not tell what it granted."""
    known = set(granted)
    return tuple(scope for scope in SCOPES if known and scope.name not in known)


def sentence_for(scopes: Iterable[Scope]) -> str:
    """One sentence naming each missing permission and what stops without it; empty for none."""
    parts = [f"{scope.name} ({scope.purpose})" for scope in scopes]
    if not parts:
        return ""
    return f"The TikTok app was not granted {', '.join(parts)}. {FIX}"
