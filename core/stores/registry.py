"""The store platforms we speak to. A new one is a folder beside ``shopwired`` and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.domain.catalog import Change
from core.http.client import HttpClient
from core.ports import Store
from core.stores.shopwired import webhooks as shopwired_webhooks
from core.stores.shopwired.client import ShopWired


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing a person enters to connect a store; ``help`` says where it is found."""

    name: str
    label: str
    secret: bool
    help: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Platform:
    """How to reach a platform and how to read what it sends.

    ``make(http, base_url, credentials, account)``; ``is_genuine(secret, headers, body)`` says whether a webhook is
    signed as it must be; ``handshake(secret, body)`` is the plain text to answer a verification with, or None;
    ``change_in(body)`` what a webhook tells, or None. ``webhook_secret`` names the credential that signs webhooks.
    """

    name: str
    label: str
    default_url: str
    fields: tuple[CredentialField, ...]
    webhook_secret: str
    make: Callable[[HttpClient, str, Mapping[str, str], str], Store]
    is_genuine: Callable[[str, Mapping[str, str], bytes], bool]
    handshake: Callable[[str, bytes], str | None]
    change_in: Callable[[bytes], Change | None]


def _shopwired(http: HttpClient, base_url: str, credentials: Mapping[str, str], account: str) -> Store:
    key, secret = credentials["api_key"], credentials["api_secret"]
    return ShopWired(http, base_url=base_url, api_key=key, api_secret=secret, account=account)


_SHOPWIRED_KEYS = "In ShopWired: Account, API & webhooks."

PLATFORMS: dict[str, Platform] = {
    "shopwired": Platform(
        name="shopwired",
        label="ShopWired",
        default_url="https://api.ecommerceapi.uk/v1",
        fields=(
            CredentialField("api_key", "API key", secret=False, help=_SHOPWIRED_KEYS),
            CredentialField("api_secret", "API secret", secret=True, help=_SHOPWIRED_KEYS),
            CredentialField(
                "webhook_secret",
                "Webhook secret",
                secret=True,
                help=f"{_SHOPWIRED_KEYS} Without it nothing is registered and changes are found by polling.",
                required=False,
            ),
        ),
        webhook_secret="webhook_secret",
        make=_shopwired,
        is_genuine=shopwired_webhooks.is_genuine,
        handshake=shopwired_webhooks.handshake_answer,
        change_in=shopwired_webhooks.change_in,
    )
}
