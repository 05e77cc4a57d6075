"""One POST to an address that another person chose: only where it may lead, and never for longer than it may take."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.outbox.posting import SHOWN_BYTES, PostFailed, Posting
from tests.outbox.receiving import Receiver
from tests.own_time import own_time

BODY, HEADERS = b'{"type":"test"}', {"Content-Type": "application/json"}
SHORT = 0.5


def names(*addresses: str) -> Callable[..., list[tuple[Any, ...]]]:
    """A name server that knows one answer."""
    return lambda _host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


def failure(posting: Posting, url: str) -> str:
    with pytest.raises(PostFailed) as found:
        posting.post(url, HEADERS, BODY)
    return found.value.reason


@contextmanager
def listener(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server for one connection. Gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "https://localhost/", "https://db.internal/", "https://printer.local/"),
        *("https://127.0.0.1/", "https://10.0.0.1:8443/", "https://[::1]/", "https://169.254.169.254/latest/"),
        *("https://[::ffff:10.0.0.1]/", "https://2130706433/", "https://127.1/", "https://0/"),
        *("https://example.com:99999/", "https://example.com:0/"),
    ],
)
def test_a_url_that_leads_to_no_public_address_is_refused_without_a_question(url: str) -> None:
    def unasked(*_args: object, **_more: object) -> list[tuple[Any, ...]]:
        raise AssertionError("asked")

    posting = Posting(allow_private=False, resolve=unasked)
    assert not posting.may_be_asked(url)
    assert failure(posting, url) == "address_not_allowed"


def test_a_name_that_leads_to_a_private_address_is_refused_also_beside_a_public_one(receiver: Receiver) -> None:
    for found in (("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("169.254.169.254",)):
        posting = Posting(allow_private=False, resolve=names(*found))
        assert posting.may_be_asked("https://hooks.example.com/")
        assert failure(posting, "https://hooks.example.com/") == "address_not_allowed"
    assert receiver.got == []


def test_the_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(receiver: Receiver) -> None:
    """DNS rebinding: a second question would get another answer."""
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answers = [names("127.0.0.1"), names("127.0.0.2")]
    asked: list[str] = []

    def resolve(host: str, at: int, **more: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return answers.pop(0)(host, at, **more)

    answer = Posting(allow_private=True, resolve=resolve).post(f"http://hooks.example.com:{port}/a?b=c", HEADERS, BODY)
    assert answer.status == 200
    assert asked == ["hooks.example.com"]
    (got,) = receiver.got
    assert (got.headers["host"], got.path, got.text) == (f"hooks.example.com:{port}", "/a?b=c", BODY)


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [302], {"Location": receiver.url + "/secret"}
    assert Posting(allow_private=True).post(receiver.url, HEADERS, BODY).status == 302
    assert [each.path for each in receiver.got] == ["/hooks"]


def test_a_kilobyte_of_an_answer_is_read_and_its_retry_after(receiver: Receiver) -> None:
    receiver.answers, receiver.text, receiver.headers = [503], "ä".encode() * 4000, {"Retry-After": "120"}
    answer = Posting(allow_private=True).post(receiver.url, HEADERS, BODY)
    assert (answer.status, answer.retry_after, answer.text) == (503, 120.0, "ä" * (SHOWN_BYTES // 2))


def test_the_second_address_serves_where_the_first_takes_no_connection(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    posting = Posting(allow_private=True, resolve=names("127.0.0.9", "127.0.0.1"))
    assert posting.post(f"http://hooks.example.com:{port}/", HEADERS, BODY).status == 200


def test_an_address_that_swallows_everything_leaves_time_for_the_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, connect = receiver.url.rpartition(":")[2].partition("/")[0], socket.create_connection

    def swallow(address: tuple[str, int], seconds: float) -> socket.socket:
        if address[0] != "127.0.0.9":
            return connect(address, seconds)
        assert seconds <= 5
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", swallow)
    posting = Posting(allow_private=True, seconds=10, resolve=names("127.0.0.9", "127.0.0.1"))
    assert posting.post(f"http://hooks.example.com:{port}/", HEADERS, BODY).status == 200


def drip(connection: socket.socket, text: bytes = b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 10_000) -> None:
    """Answers a byte at a time, so that no single wait is long."""
    pause = threading.Event()
    try:
        for byte in text:
            connection.sendall(bytes([byte]))
            pause.wait(0.02)
    except OSError:
        return


def keep_silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


@pytest.mark.parametrize(("talk", "scheme"), [(drip, "http"), (keep_silent, "http"), (keep_silent, "https")])
def test_a_receiver_that_is_too_slow_is_cut_off_in_time(talk: Callable[[socket.socket], None], scheme: str) -> None:
    with listener(talk) as port, own_time() as passed:
        assert failure(Posting(allow_private=True, seconds=SHORT), f"{scheme}://127.0.0.1:{port}/") == "timeout"
        assert passed() < 20 * SHORT


def test_a_name_server_that_does_not_answer_takes_no_longer() -> None:
    never = threading.Event()

    def resolve(*_args: object, **_more: object) -> list[tuple[Any, ...]]:
        never.wait(30)
        return []

    try:
        posting = Posting(allow_private=True, seconds=SHORT, resolve=resolve)
        assert failure(posting, "http://hooks.example.com/") == "timeout"
    finally:
        never.set()


def test_what_cannot_be_reached_says_why() -> None:
    def unknown(*_args: object, **_more: object) -> list[tuple[Any, ...]]:
        raise socket.gaierror

    assert failure(Posting(allow_private=True, resolve=unknown), "http://hooks.example.com/") == "name_not_found"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert failure(Posting(allow_private=True), f"http://127.0.0.1:{port}/") == "connection_failed"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of hooks.example.com with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hooks.example.com"]
    argv += ["-addext", "subjectAltName=DNS:hooks.example.com", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True, timeout=60)
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@contextmanager
def secure_listener(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """A TLS server for one request. Gives its port, and the names that clients ask for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: asked.append(name)

    def talk(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                while BODY not in secure.recv(4096):
                    pass
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            return

    with listener(talk) as port:
        yield port, asked


def test_tls_carries_the_name_and_checks_the_certificate_against_it(certificate: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    posting = Posting(allow_private=True, resolve=names("127.0.0.1"), tls=trusted)
    with secure_listener(certificate) as (port, asked):
        assert posting.post(f"https://hooks.example.com:{port}/", HEADERS, BODY).status == 204
        assert asked == ["hooks.example.com"]
    with secure_listener(certificate) as (port, _):
        assert failure(posting, f"https://other.example.com:{port}/") == "tls_failed"
    with secure_listener(certificate) as (port, _):
        untrusting = Posting(allow_private=True, resolve=names("127.0.0.1"))
        assert failure(untrusting, f"https://hooks.example.com:{port}/") == "tls_failed"
