"""E-mails to a real mail server: what arrives, what is tried again, and when a password goes out."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models.catalogue import Policy
from services.messages import mail_post
from services.messages.composing import Composed
from services.messages.mail_post import MailPost
from services.outbox import posting
from services.outbox.entries import Again, Dead, Delivered
from services.outbox.store import LEASE_SECONDS
from services.settings import MailServer
from services.texting import twilio
from tests.messages.mail_server import PASSWORD, USER, mail_server
from tests.messages.matters import matter, written
from tests.outbox.test_posting import drip, keep_silent, listener, names
from tests.world import settings

AT = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)
MOST_OF_A_COURIER = 30
COMPOSED = Composed(
    org="demo",
    kind="confirmation",
    channel="email",
    to="alice@example.com",
    letter=written(matter(), "email"),
    about="v1",
    version=1,
    policy=Policy(),
    persons=(),
    wait_until=None,
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(file) + ".crt"),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


def carry(server: MailServer, trusted: ssl.SSLContext | None = None, composed: Composed = COMPOSED) -> Any:
    return MailPost(server, lambda: AT, trusted).carry(composed, "msg_1")


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def test_an_e_mail_arrives() -> None:
    with mail_server() as box:
        assert carry(box.server()) == Delivered({})
        [(to, mail)] = box.taken
    assert to == ["alice@example.com"]
    assert mail["Message-ID"] == "<msg_1@example.com>"
    assert mail["Subject"] == "Your visit is booked: Saturday 5 December 2026 at 10:00"
    assert "text/calendar" in [part.get_content_type() for part in mail.walk()]


def test_a_repeat_has_the_same_message_id() -> None:
    with mail_server() as box:
        carry(box.server())
        carry(box.server())
        assert len({mail["Message-ID"] for _, mail in box.taken}) == 1
        assert len(box.taken) == 2


def test_it_is_sent_under_tls_with_a_password(certificate: Path) -> None:
    with mail_server(certificate, password=True) as box:
        assert carry(box.server(user=USER, password=PASSWORD), trusting(certificate)) == Delivered({})
        assert (box.secured, box.logins) == ([True], [USER])


def test_a_wrong_password_is_tried_again(certificate: Path) -> None:
    with mail_server(certificate, password=True) as box:
        assert isinstance(carry(box.server(user=USER, password="wrong"), trusting(certificate)), Again)
        assert box.taken == []


def test_a_server_with_a_certificate_of_nobody_gets_nothing(certificate: Path) -> None:
    with mail_server(certificate, password=True) as box:
        assert isinstance(carry(box.server(user=USER, password=PASSWORD)), Again)
        assert (box.taken, box.logins) == ([], [])


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # of the test's own server
def test_a_password_does_not_go_out_without_tls() -> None:
    """To another machine, that is; the twin is the server on this one."""
    with mail_server(password=True) as box:
        there = box.server(user=USER, password=PASSWORD)
        assert carry(there) == Delivered({})
        away = MailPost(there._replace(host="mail.example.com"), lambda: AT, resolve=names("127.0.0.1"))
        assert away.carry(COMPOSED, "msg_1") == Again({"error": "NoTls"})
        assert len(box.logins) == 1


@pytest.mark.parametrize(
    ("to", "data", "outcome"),
    [
        ("550 no such user", "250 OK", Dead({"status": 550})),
        ("450 later", "250 OK", Again({"status": 450})),
        ("250 OK", "554 looks like spam", Dead({"status": 554})),
        ("250 OK", "451 later", Again({"status": 451})),
    ],
)
def test_what_the_server_refuses(to: str, data: str, outcome: Any) -> None:
    with mail_server() as box:
        box.to, box.data = to, data
        assert carry(box.server()) == outcome
        assert box.taken == []


@pytest.mark.parametrize("end", ["421 closing", "500 what?"])
def test_what_the_server_took_has_left_whatever_it_answers_at_the_end(end: str) -> None:
    with mail_server() as box:
        box.end = end
        assert carry(box.server()) == Delivered({})
        assert len(box.taken) == 1


def test_a_server_that_takes_no_password_is_tried_again() -> None:
    """The settings are wrong, not the e-mail."""
    with mail_server() as box:
        assert carry(box.server(user=USER, password=PASSWORD)) == Again({"error": "NoLogin"})
        assert box.taken == []


def test_a_server_that_is_away_is_tried_again() -> None:
    with mail_server() as box:
        away = box.server()
    assert carry(away) == Again({"error": "ConnectionRefusedError"})


@pytest.mark.parametrize(
    ("talk", "tls"),
    [
        (keep_silent, False),
        (keep_silent, True),
        (partial(drip, text=b"220-wait\r\n" * 10_000), False),
        (partial(drip, text=b"220 hello\r\n" + b"250-wait\r\n" * 10_000), False),
        (partial(drip, text=b"\x16\x03\x03\x3f\xff" + bytes(16_383)), True),
    ],
)
def test_an_e_mail_takes_no_longer_than_it_may_however_slowly_the_server_answers(talk: Any, tls: bool) -> None:
    with listener(talk) as port:
        server = MailServer("127.0.0.1", port, tls, "", "", "visits@example.com")
        assert MailPost(server, lambda: AT, seconds=0.5).carry(COMPOSED, "msg_1") == Again({"error": "TimeoutError"})


def test_the_time_of_an_e_mail_and_of_its_text_ends_before_a_lease() -> None:
    assert mail_post.IN_ALL_SECONDS <= MOST_OF_A_COURIER
    assert 3 * twilio.IN_ALL_SECONDS <= MOST_OF_A_COURIER
    assert posting.IN_ALL_SECONDS <= MOST_OF_A_COURIER
    assert 2 * MOST_OF_A_COURIER <= LEASE_SECONDS


def test_what_no_header_can_hold_is_given_up() -> None:
    with mail_server() as box:
        odd = replace(COMPOSED, to="a@example.com\r\nRCPT TO:<b@example.com>")
        assert carry(box.server(), composed=odd) == Dead({"error": "not_writable"})
        assert box.taken == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", MailServer("mail.example.com", 587, False, "", "", "no-reply@visits.example.com")),
        ("smtps://mail.example.com", MailServer("mail.example.com", 465, True, "", "", "no-reply@visits.example.com")),
        ("smtp://a%40b.org:p%3Aw@m.org:25", MailServer("m.org", 25, False, "a@b.org", "p:w", "a@b.org")),
        ("smtp://u:p@m.org?from=v@x.org", MailServer("m.org", 587, False, "u", "p", "v@x.org")),
        ("", None),
    ],
)
def test_the_server_is_one_address(url: str, server: MailServer | None) -> None:
    made = settings(smtp_url=url, public_url="https://visits.example.com/")
    assert made.mail_server == server
    assert "p:w" not in repr(made)


@pytest.mark.parametrize("url", ["http://mail.example.com", "mail.example.com", "smtp://", "smtp:mail"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="HOLDFAST_SMTP_URL"):
        settings(smtp_url=url)
