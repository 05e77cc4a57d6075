"""The words of messages: all of them in three languages, an org's own, and what must not get out of its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.catalogue import Policy, Property
from services.catalogue.reads import Site
from services.messages.languages import KINDS, LANGUAGES, language
from services.messages.matters import Matters
from services.texting.gsm7 import is_plain
from tests.messages.lives import ALICE, made
from tests.messages.matters import GOLDEN, SITE, everything, letters, matter, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the own words of an org in English."""
    (tmp_path / "demo" / "en").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("code", LANGUAGES)
def test_all_messages_read_as_they_did(code: str) -> None:
    assert everything(code) == (GOLDEN / f"{code}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", LANGUAGES)
def test_texts_have_characters_of_the_plain_alphabet_alone(code: str) -> None:
    for kind in KINDS:
        assert is_plain(written(matter(kind, code, service="Þurrkun – 🔧")).text)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "Wednesday 3 March at 08:05"),
        ("da", "onsdag d. 3. marts kl. 08.05"),
        ("is", "miðvikudagur 3. mars kl. 08:05"),
    ],
)
def test_a_time_is_said_with_its_weekday_by_the_clock_of_the_property(code: str, said: str) -> None:
    moment = datetime(2027, 3, 3, 13, 5, tzinfo=UTC)
    assert language(code).moment(moment, "America/New_York") == said


def test_the_hour_that_clocks_repeat_is_said_with_its_offset() -> None:
    hours = [datetime(2027, 10, 31, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    said = [language("en").moment(each, "Europe/Copenhagen").partition(" at ")[2] for each in hours]
    assert said == ["02:30 (UTC+02:00)", "02:30 (UTC+01:00)", "03:30"]


def test_a_sentence_without_its_value_is_left_out() -> None:
    bare = matter(policy=Policy(), service=None)
    assert written(bare).text == "Your visit is booked for Saturday 5 December at 10:00, Æblehuset - nr. 3."
    mail = written(bare, "email").text
    assert "What:" not in mail
    assert "Questions" not in mail


def test_the_link_stands_in_the_mail_and_its_secret_is_not_kept() -> None:
    mail = written(matter(), "email")
    assert "https://visits.example.com/visit#hfm_demo~bk_alice~" in mail.text
    assert "hfm_" in mail.html
    assert "hfm_" not in mail.kept
    assert "/visit" not in letters(public_url=None).write(matter(), "email").text
    assert "/visit" not in written(matter("cancelled"), "email").text


def test_a_page_escapes_what_people_typed() -> None:
    html = written(matter(site=Property(id="p", name='<img src=x onerror="x">&')), "email").html
    assert "<img" not in html
    assert "&lt;img src=x onerror=&quot;x&quot;&gt;&amp;" in html
    assert "<b>" not in html
    assert "Jón Þór &lt;b&gt;" in html
    assert html.startswith('<!doctype html>\n<html lang="en">')


def test_no_value_becomes_a_value_of_another() -> None:
    """A name such as `$phone` is a name."""
    odd = matter(customer={**ALICE, "name": "$phone ${company} $paragraphs"})
    for text in (written(odd, "email").text, written(odd, "email").html):
        assert "Hello $phone ${company} $paragraphs," in text
        assert text.count("+354 555 0100") == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Jón Þór J. Jónsson", "Jón Þór J. Jónsson"),
        ("Win at https://evil.example/x", "Win at https: //evil. example/x"),
        ("www.evil.example", "www. evil. example"),
        ("evil。example", "evil。 example"),
        ("http://evil", "http: //evil"),
        ("ann@evil.example", "ann@evil. example"),
        ("Dr.Smith", "Dr. Smith"),
    ],
)
def test_a_name_is_no_link_in_any_message(folder: Path, name: str, shown: str) -> None:
    (folder / "demo/en/confirmation.txt").write_text("Hello $name")
    named = matter(customer={**ALICE, "name": name})
    mail = written(named, "email")
    assert f"Hello {shown},\n" in mail.text
    assert f"<p>Hello {shown},</p>" in mail.html
    assert mail.html.count("<a ") == 1  # the page of the visit
    assert name == shown or name not in mail.html + mail.text + written(named, folder=folder).text


class TestTemplates:
    """An org's own words."""

    def test_an_org_writes_its_own_texts(self, folder: Path) -> None:
        (folder / "demo/en/confirmation.txt").write_text("Hæ $name!\nVisit: $when – $where\nWhat: $service\n$odd 5$\n")
        assert written(matter(service=None), folder=folder).text == (
            "Hæ Jon Thor <b>!\nVisit: Saturday 5 December at 10:00 - Æblehuset - nr. 3\n$odd 5$"
        )
        assert written(matter(service=None), "email", folder).text.startswith("Hæ Jón Þór <b>!\nVisit: Saturday")
        assert "Hæ" not in written(matter("moved"), folder=folder).text
        assert "Hæ" not in written(matter(code="da"), folder=folder).text

    def test_an_org_writes_its_own_pages(self, folder: Path) -> None:
        (folder / "demo/en/moved.html").write_text("<h1>$subject</h1><p>$name</p><p>$service</p>")
        html = written(matter("moved", service=None), "email", folder).html
        assert html == (
            "<h1>Your visit has moved to Saturday 5 December 2026 at 10:00</h1><p>Jón Þór &lt;b&gt;</p><p></p>"
        )

    def test_no_org_reaches_the_files_of_another(self, folder: Path) -> None:
        (folder / "demo/en/confirmation.txt").write_text("ours")
        for org in ("../demo", "demo/en/..", "..", ".", "other", "/demo"):
            assert written(matter(org=org), folder=folder).text != "ours"

    def test_a_template_that_cannot_be_read_is_as_none(self, folder: Path) -> None:
        (folder / "demo/en/confirmation.txt").write_bytes(b"\xff\xfe")
        assert written(matter(), folder=folder).text == written(matter()).text


def test_a_site_without_an_address_is_its_name() -> None:
    mail = written(matter(site=SITE.model_copy(update={"address": None})), "email").text
    assert "Where: Æblehuset – nr. 3\n" in mail


def test_a_list_reads_each_thing_once() -> None:
    asked: list[tuple[str, ...]] = []

    def policy(*key: str) -> Policy:
        asked.append(("policy", *key))
        return Policy()

    def site(*key: str) -> Site:
        asked.append(("site", *key))
        return Site(SITE)

    matters = Matters(policy, site, lambda _: {}).remembering()
    for _ in range(3):
        assert matters.of_booking(made(), "reminder").site == SITE
    assert asked == [("policy", "demo"), ("site", "demo", "prop-1")]
