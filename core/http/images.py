"""A store's pictures, fetched under guard: their addresses are catalogue data and may point anywhere.

A name is resolved once and the connection goes to the very address that was checked, so that a name which changes
its answer in between gains nothing. Only public addresses and ports 80 and 443 are reached, except at origins that
the operator trusts by name.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from core.domain.errors import Refused, Temporary
from core.domain.limits import MarketLimits, limits_of
from core.domain.pictures import PictureFacts, file_name, judge, judge_film
from core.http.picture_files import convert, inspect
from core.http.picture_trouble import BadPicture
from core.http.transport import DeadlineBackend, Pool, deadline
from core.ports import VIDEO, PreparedPicture

MOST_BYTES: Final = 10_000_000
MOST_SECONDS: Final = 10.0
MOST_REDIRECTS: Final = 3
_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_HEADERS: Final = {"Accept": "image/*, video/mp4", "Accept-Encoding": "identity", "User-Agent": "Crossdock pictures"}
# Ranges that Python calls global although they lead into, or translate to, networks of somebody's own.
_TRANSLATED: Final = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "2002::/16", "2001::/32"))


class _Forbidden(Exception):
    """The guard does not let us connect there; ``reason`` as in ``BadPicture``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _GuardedBackend(DeadlineBackend):
    """Connects to public addresses only, and to hosts and ports in ``trusted``."""

    def __init__(self, trusted: frozenset[tuple[str, int]]) -> None:
        super().__init__()
        self._trusted = trusted

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = host if (host, port) in self._trusted else public_address(host, port)
        return super().connect_tcp(address, port, timeout, local_address, socket_options)


class GuardedPictures:
    """Implements ``PictureSource``. ``trusted_origins`` such as ``http://127.0.0.1:8600`` may be reached though
    they are not public."""

    def __init__(
        self, trusted_origins: Iterable[str] = (), *, seconds: float = MOST_SECONDS, max_bytes: int = MOST_BYTES
    ) -> None:
        self._origins = frozenset(_origin(origin) for origin in trusted_origins)
        self._seconds, self._max_bytes = seconds, max_bytes
        trusted = frozenset((host, port) for _, host, port in self._origins)
        self._pool = Pool(connections=20, backend=_GuardedBackend(trusted))

    def fetch(self, url: str) -> bytes:
        """The bytes as they are, at most ``max_bytes`` within ``seconds`` and three redirects.

        Raises ``Refused`` naming the picture and why, or ``Temporary`` when it may work later.
        """
        try:
            return self._bytes(url)
        except BadPicture as bad:
            raise Refused(f"The picture {file_name(url)} cannot be used: {bad.reason}", code="picture") from bad

    def look(self, url: str) -> PictureFacts:
        """What the picture is; one that can never be used has a sentence as its ``error``. Raises ``Temporary``."""
        try:
            return inspect(self._bytes(url), url)
        except BadPicture as bad:
            return PictureFacts(url, error=bad.reason)

    def prepare(self, url: str, use_case: str = "MAIN_IMAGE", *, region: str = "GB") -> PreparedPicture:
        """Fetched, checked against the limits of the market ``region``, and converted where needed; a video as it is.

        Raises ``Refused`` with a sentence naming the picture when it cannot be used, or ``Temporary``.
        """
        limits, name = limits_of(region), f"the picture {file_name(url)}"
        data = self.fetch(url)
        try:
            facts = inspect(data, url)
            if use_case == VIDEO:
                return _film(data, facts, limits)
            shaped = use_case in ("MAIN_IMAGE", "ATTRIBUTE_IMAGE")
            errors = [one for one in judge(name, facts, limits, shaped=shaped) if one.severity == "error"]
            if errors:
                raise Refused(errors[0].sentence, code="picture")
            made = convert(data, limits)
        except BadPicture as bad:
            raise Refused(f"The picture {file_name(url)} cannot be used: {bad.reason}", code="picture") from bad
        ending = {"JPEG": "jpg", "PNG": "png"}[made.form]
        return PreparedPicture(made.data, f"picture-{facts.digest[:16]}.{ending}", made.width, made.height, made.notes)

    def close(self) -> None:
        self._pool.close()

    def _bytes(self, url: str) -> bytes:
        """Follow at most three redirects, each checked like the first address."""
        ends = time.monotonic() + self._seconds
        for _ in range(MOST_REDIRECTS + 1):
            self._check(url)
            found = self._one(url, max(ends - time.monotonic(), 0.01))
            if isinstance(found, bytes):
                return found
            url = urljoin(url, found)
        raise BadPicture(f"its address leads on more than {MOST_REDIRECTS} times.")

    def _check(self, url: str) -> None:
        try:
            origin = _origin(url)
        except ValueError:
            raise BadPicture("its address is not a web address.") from None
        scheme, host, port = origin
        if scheme not in _PORTS or not host:
            raise BadPicture("its address does not begin with http:// or https://.")
        if any(letter.isspace() for letter in host):
            raise BadPicture("its address is not a web address.")
        if origin not in self._origins and port not in _PORTS.values():
            raise BadPicture(f"its address names port {port}; only 80 and 443 are allowed.")

    def _one(self, url: str, seconds: float) -> bytes | str:
        """The body of one answer, or where it redirects to."""
        name = file_name(url)
        try:
            with deadline(seconds):
                request = httpx.Request("GET", url, headers=_HEADERS)
                answer = self._pool.open(request, seconds)
                try:
                    return self._read(answer, name)
                finally:
                    answer.close()
        except _Forbidden as forbidden:
            raise BadPicture(forbidden.reason) from forbidden
        except httpcore.TimeoutException as error:
            raise Temporary(f"The picture {name} did not arrive within {self._seconds:g} seconds.") from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise BadPicture("its address is not a web address.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Temporary(f"The picture {name} could not be fetched: the connection failed.") from error

    def _read(self, answer: httpcore.Response, name: str) -> bytes | str:
        headers = httpx.Headers(answer.headers)
        if answer.status in _REDIRECTS and headers.get("location"):
            return str(headers["location"])
        if answer.status == 429 or answer.status >= 500:
            raise Temporary(f"The picture {name} could not be fetched: its server answered {answer.status}.")
        if answer.status != 200:
            reason = "it was not found" if answer.status in (404, 410) else "its server refused it"
            raise BadPicture(f"{reason} (HTTP {answer.status}).")
        data = bytearray()
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:18]) > self._max_bytes:
            raise BadPicture(self._too_big())
        for chunk in answer.iter_stream():
            data += chunk
            if len(data) > self._max_bytes:
                raise BadPicture(self._too_big())
        return bytes(data)

    def _too_big(self) -> str:
        return f"the file is over {self._max_bytes / 1_000_000:g} MB."


def _film(data: bytes, facts: PictureFacts, limits: MarketLimits) -> PreparedPicture:
    wrong = judge_film(facts, limits)
    if wrong:
        raise Refused(wrong[0].sentence, code="video")
    return PreparedPicture(data, f"video-{facts.digest[:16]}.mp4", 0, 0)


def public_address(host: str, port: int) -> str:
    """The one address to connect to. Raises ``_Forbidden`` unless every address of the name is public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address") from error
    addresses = [str(one[4][0]).split("%")[0] for one in found]
    if not all(is_public(address) for address in addresses):
        raise _Forbidden("its address leads into a private network.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet; IPv4 inside IPv6 counts as the IPv4 address."""
    ip = ipaddress.ip_address(address)
    inner = getattr(ip, "ipv4_mapped", None)
    if inner is not None:
        ip = inner
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _TRANSLATED)


def _origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port). Raises ``ValueError`` for an address that cannot be read."""
    split = urlsplit(url)
    return split.scheme, (split.hostname or "").lower(), split.port or _PORTS.get(split.scheme, 0)
