"""Secrets at rest: AES-256-GCM with the place of the value as associated data.

A ciphertext is ``key id : nonce : sealed`` and only opens in the table, row and column it was sealed for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.config import Settings, settings

_NONCE = 12


class SecretsError(Exception):
    """A key is missing or malformed, or a ciphertext does not belong where it stands."""


class Sealer:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise SecretsError("No secret key is set: give CROSSDOCK_SECRET_KEYS or keep $CROSSDOCK_HOME/secret.keys.")
        self._keys = keys
        self._first = next(iter(keys))

    def seal(self, text: str, place: str) -> bytes:
        """``place`` is ``table/row/column``; the same must be given to ``open``."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._keys[self._first]).encrypt(nonce, text.encode(), place.encode())
        return self._first.encode() + b":" + nonce + sealed

    def open(self, sealed: bytes, place: str) -> str:
        """Raises ``SecretsError`` when the key is gone or the value was moved or altered."""
        key_id, _, rest = bytes(sealed).partition(b":")
        key = self._keys.get(key_id.decode(errors="replace"))
        if key is None:
            raise SecretsError(
                f"The secret in {place} needs key {key_id.decode(errors='replace')!r}, which is not set."
            )
        try:
            return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], place.encode()).decode()
        except InvalidTag as error:
            raise SecretsError(f"The secret in {place} was altered or belongs elsewhere.") from error

    def fingerprint(self, text: str) -> str:
        """A keyed hash for exact search of an encrypted value."""
        return hmac.new(self._keys[self._first], text.encode(), hashlib.sha256).hexdigest()


def parse_keys(text: str) -> dict[str, bytes]:
    """``id:base64`` pairs, comma or line separated. Raises ``SecretsError`` naming the malformed id."""
    keys = {}
    for part in text.replace("\n", ",").split(","):
        if not part.strip():
            continue
        key_id, _, encoded = part.strip().partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise SecretsError(f"Secret key {key_id!r} is not base64.") from error
        if len(raw) != 32:
            raise SecretsError(f"Secret key {key_id!r} has {len(raw)} bytes: it must have 32.")
        keys[key_id] = raw
    return keys


def key_file(home: Path) -> Path:
    return home / "secret.keys"


def make_key_file(home: Path) -> Path:
    """Make ``secret.keys`` (0600) on the first start; an existing file is left alone."""
    path = key_file(home)
    if path.exists():
        return path
    home.mkdir(parents=True, exist_ok=True)
    line = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w") as file:
        file.write(line)
    return path


def load_sealer(config: Settings) -> Sealer:
    """The sealer of this installation. Never makes a key: that is done at the first start only."""
    text = config.secret_keys.get_secret_value()
    path = key_file(config.home)
    if not text and path.exists():
        text = path.read_text()
    return Sealer(parse_keys(text))


@lru_cache(maxsize=1)
def sealer() -> Sealer:
    return load_sealer(settings())
