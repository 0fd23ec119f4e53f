"""The HTTP client against servers that misbehave on a real socket."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.errors import Expired, Missing, RateLimited, Refused, RemoteError, Temporary, Unknown
from core.http.client import Answer, Call, HttpClient, Part
from core.logs import about
from core.ports import Exchange

Script = Callable[[socket.socket], None]


@dataclass
class Kept:
    exchanges: list[Exchange] = field(default_factory=list)

    def keep(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


@dataclass
class Server:
    """Reads one request per connection, then does what the script says; remembers what it read."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                server.requests.append(read_request(connection))
                script(connection)
            except OSError:
                return  # the client went away, which is what some tests are about

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while lengths and len(body) < lengths[0]:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def says(body: bytes, status: int = 200, *headers: str) -> Script:
    lines = [f"HTTP/1.1 {status} Word", f"content-length: {len(body)}", "connection: close", *headers]
    answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda connection: connection.sendall(answer)


def call_to(server: Server, *, write: bool = False, **more: object) -> Call:
    return Call("shopwired", "1", "POST" if write else "GET", f"{server.url}/v1/things", "/things", write=write, **more)  # type: ignore[arg-type]


def send(server: Server, *, write: bool = False, read: bool = True, **more: object) -> tuple[Answer, Kept]:
    kept = Kept()
    client = HttpClient(kept, None, timeout_s=1.0, max_bytes=200_000)
    try:
        answer = client.send(
            call_to(server, write=write, **more), classify=(lambda a: a.json() and None) if read else None
        )
    finally:
        client.close()
    return answer, kept


def trickle(connection: socket.socket) -> None:
    """A head, then a byte every 50 ms for ever: no single read ever times out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def trickle_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def cut(connection: socket.socket) -> None:
    """Closes without a word."""


def half(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":')


@pytest.mark.parametrize("script", [trickle, trickle_head], ids=["body", "head"])
@pytest.mark.parametrize(("write", "kind"), [(False, Temporary), (True, Unknown)])
def test_a_slow_loris_ends_at_the_deadline(script: Script, write: bool, kind: type[RemoteError]) -> None:
    begun = time.monotonic()
    with serving(script) as server, pytest.raises(kind, match="no whole answer came in time"):
        send(server, write=write)
    assert 0.9 < time.monotonic() - begun < 30


@pytest.mark.parametrize("script", [cut, half])
@pytest.mark.parametrize(("write", "kind"), [(False, Temporary), (True, Unknown)])
def test_a_lost_answer(script: Script, write: bool, kind: type[RemoteError]) -> None:
    with serving(script) as server, pytest.raises(kind) as error:
        send(server, write=write)
    assert type(error.value) is kind
    assert len(server.requests) == 1


def test_a_call_that_never_left_had_no_effect() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = Server(f"http://127.0.0.1:{probe.getsockname()[1]}")
    with pytest.raises(Temporary, match=r"could not be reached at 127\.0\.0\.1") as error:
        send(nobody, write=True)
    assert type(error.value) is Temporary and error.value.code == "unreachable"


def test_an_unknown_host_is_temporary_and_named() -> None:
    with pytest.raises(Temporary, match=r"nowhere\.invalid"):
        send(Server("http://nowhere.invalid"), write=True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused_and_never_followed(status: int) -> None:
    with serving(says(b'{"ok":true}')) as other:
        elsewhere = says(b"", status, f"location: {other.url}/steal")
        with serving(elsewhere) as server, pytest.raises(Refused, match="/steal, which is not followed"):
            send(server, headers={"authorization": "Bearer secret"}, read=False)
        assert other.requests == []


CUT_GZIP = gzip.compress(json.dumps([str(number) for number in range(5000)]).encode())[:-5000]
BOMB = gzip.compress(b" " * 50_000_000)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (says(b""), "empty answer"),
        (says(b"<!doctype html><p>Maintenance"), "web page instead of data"),
        (says(b'{"a":1'), "cut off or not JSON"),
        (says(b'{"a":NaN}'), "NaN is not JSON"),
        (says(b'{"a":-Infinity}'), "Infinity is not JSON"),
        (says(b"[" * 100_000), "nested too deeply"),
        (says(b"\xff\xfe{}"), "not JSON"),
        (says(b"x" * 300_000), "larger than 200,000 bytes"),
        (says(BOMB, 200, "content-encoding: gzip"), "larger than 200,000 bytes"),
        (says(b"no gzip", 200, "content-encoding: gzip"), "damaged"),
        (says(CUT_GZIP, 200, "content-encoding: gzip"), "cut off or not JSON"),
    ],
)
@pytest.mark.parametrize(("write", "kind"), [(False, Temporary), (True, Unknown)])
def test_an_unreadable_answer(script: Script, words: str, write: bool, kind: type[RemoteError]) -> None:
    with serving(script) as server, pytest.raises(kind, match=words) as error:
        send(server, write=write)
    assert isinstance(error.value, kind)


def test_json_is_exact() -> None:
    body = '{"price":12.10,"id":1729592969712207008,"id":1729592969712207009,"name":"Größe"}'.encode()
    with serving(says(gzip.compress(body), 200, "Content-Encoding: gzip", "Content-Type: text/plain")) as server:
        answer, _ = send(server)
    parsed = answer.json()
    assert parsed == {"price": Decimal("12.10"), "id": 1729592969712207009, "name": "Größe"}
    assert str(parsed["price"]) == "12.10"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.json() is parsed, "parsed once"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Expired), (404, Missing), (422, Refused), (503, Temporary), (500, Unknown)]
)
def test_status_of_a_write(status: int, kind: type[RemoteError]) -> None:
    with serving(says(b'{"message":"because of this."}', status)) as server, pytest.raises(kind) as error:
        send(server, write=True, read=False)
    assert type(error.value) is kind
    if status in (401, 404, 422):
        assert error.value.sentence.endswith(f"(status {status}): because of this.")


def test_a_maintenance_page_with_503_had_no_effect() -> None:
    with serving(says(b"<html>", 503)) as server, pytest.raises(Temporary):
        send(server, write=True)


def test_retry_after_reaches_the_error() -> None:
    began = datetime.now(UTC)
    with serving(says(b"{}", 429, "Retry-After: 20")) as server, pytest.raises(RateLimited) as error:
        send(server, read=False)
    assert began + timedelta(seconds=19) < error.value.until <= datetime.now(UTC) + timedelta(seconds=20)


def test_the_request_on_the_wire() -> None:
    with serving(says(b"{}")) as server:
        send(server, query={"token": "a+b/c=ü &", "x": ""}, headers={"Content-Type": "application/json"}, content=b"{}")
    head = server.requests[0].split(b"\r\n\r\n")[0].decode()
    assert head.startswith("GET /v1/things?token=a%2Bb%2Fc%3D%C3%BC%20%26&x= HTTP/1.1\r\n")
    assert head.lower().count("content-type:") == 1
    assert "cookie" not in head.lower()


def test_multipart_has_one_content_type_and_each_part_once() -> None:
    parts = (Part("data", b"\xff\xd8jpeg", "main.jpg", "image/jpeg"), Part("use_case", b"MAIN_IMAGE"))
    with serving(says(b"{}")) as server:
        _, kept = send(server, write=True, files=parts, headers={"content-type": "application/json"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.lower().count(b"content-type: multipart/form-data; boundary=") == 1
    assert b"application/json" not in head.replace(b"accept: application/json", b"")
    assert body.count(b'name="data"; filename="main.jpg"') == 1 and b"\xff\xd8jpeg" in body
    assert b'name="use_case"\r\n\r\nMAIN_IMAGE' in body
    assert kept.exchanges[0].request == "data: main.jpg (6 bytes, image/jpeg)\nuse_case: text (10 bytes)"


def test_each_exchange_is_kept_once_with_what_it_is_about() -> None:
    body = json.dumps({"access_token": "GCP_secret", "stock": 3}).encode()
    with serving(says(body)) as server, about(subject="product:12", run_item_id=7, connection_id=3):
        _, kept = send(server, content=b'{"password":"p4ss","sku":"A"}', query={"sign": "f00"})
    (one,) = kept.exchanges
    assert (one.subject, one.run_item_id, one.connection_id) == ("product:12", 7, 3)
    assert (one.method, one.path, one.endpoint, one.status, one.code) == ("GET", "/v1/things", "/things", 200, "200")
    assert one.request == '?sign=[redacted]\n{"password":"[redacted]","sku":"A"}'
    assert one.response == '{"access_token": "[redacted]", "stock": 3}'
    assert one.error == "" and one.duration_ms < 1000 and one.started_at.tzinfo is UTC


def test_a_failed_exchange_is_kept_too() -> None:
    kept = Kept()
    client = HttpClient(kept, None, timeout_s=1.0)
    with serving(cut) as server, pytest.raises(Unknown):
        client.send(call_to(server, write=True))
    client.close()
    assert [one.status for one in kept.exchanges] == [None]
    assert "took effect is being looked up" in kept.exchanges[0].error


def test_a_refused_permit_makes_no_call() -> None:
    class Empty:
        def take(self, key: str, *, priority: int, deadline_s: float) -> None:
            assert (key, priority) == ("shopwired:1:read", 4)
            raise RateLimited("No permit.", until=datetime.now(UTC))

        def slow_down(self, key: str, until: datetime) -> None:
            raise AssertionError("our own limit is no reason to slow down others")

    kept = Kept()
    client = HttpClient(kept, Empty(), timeout_s=1.0)
    with serving(says(b"{}")) as server, pytest.raises(RateLimited):
        client.send(call_to(server, bucket="read", priority=4))
    client.close()
    assert server.requests == [] and kept.exchanges == []
