"""Pages and their files as the server answers them: without a key, with their headers, in the visitor's language."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from models.access import Role
from models.catalogue import PolicyPatch
from tests.world import World

ADDRESSES = ["/", "/visit"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_EXPLANATION = re.compile(r"<noscript>(.*?)</noscript>", re.DOTALL)
_LOADED = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def _text(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", html)


@pytest.fixture
def client(fake_world: World) -> Any:
    return fake_world.client()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_answers_without_a_key_and_explains_itself_without_scripts(client: Any, address: str) -> None:
    reply = client.get(address)
    html = reply.get_data(as_text=True)

    assert reply.status_code == 200
    assert '<html lang="en">' in html
    assert "<h1>" in html
    explanation = _EXPLANATION.search(html)
    assert explanation is not None
    assert len(_text(explanation[1]).split()) > 20
    assert "call the company" in explanation[1]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_may_load_from_its_own_server_alone(client: Any, address: str) -> None:
    headers = client.get(address).headers

    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_has_no_inline_script_style_or_handler(client: Any, address: str) -> None:
    html = client.get(address).get_data(as_text=True)

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize("address", ADDRESSES)
def test_all_that_a_page_loads_may_be_kept_for_ever_and_comes_compressed(client: Any, address: str) -> None:
    loaded = _LOADED.findall(client.get(address).get_data(as_text=True))
    assert len(loaded) >= 3

    for file in loaded:
        plain, zipped = client.get(file), client.get(file, headers={"Accept-Encoding": "gzip"})
        assert re.search(r"\.[0-9a-f]{12}\.(js|css)$", file)
        assert plain.status_code == 200
        assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert gzip.decompress(zipped.data) == plain.data
        assert plain.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("file", ["css/base.css", "js/dom.js", "../views.py", "css/base.000000000000.css", ""])
def test_no_other_file_is_served(client: Any, file: str) -> None:
    assert client.get(f"/static/{file}").status_code == 404


def test_the_script_for_other_sites_has_an_address_that_stays(client: Any) -> None:
    reply = client.get("/embed.js")

    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert len(gzip.compress(reply.data)) <= 2_000


@pytest.mark.parametrize(
    ("address", "accepted", "language"),
    [
        ("/", "da-DK,da;q=0.9,en;q=0.8", "da"),
        ("/", "sv, is;q=0.5, en;q=0.4", "is"),
        ("/", "xx;q=nonsense, *", "en"),
        ("/?lang=is", "da", "is"),
        ("/?lang=xx", "da", "da"),
    ],
)
def test_a_page_speaks_the_language_of_its_visitor(client: Any, address: str, accepted: str, language: str) -> None:
    html = client.get(address, headers={"Accept-Language": accepted}).get_data(as_text=True)

    assert f'<html lang="{language}">' in html


def test_a_page_shows_name_and_phone_of_the_org_whose_key_is_in_its_address(fake_world: World) -> None:
    rules = PolicyPatch(display_name="Harbour <& Vale>", phone="+45 33 12 34 56")
    fake_world.services.catalogue_desk.patch_policy(fake_world.org, rules)
    key = fake_world.services.access.create_key(fake_world.org, Role.CHECKOUT).key
    html = fake_world.client().get(f"/?key={key}").get_data(as_text=True)

    assert "Harbour &lt;&amp; Vale&gt;" in html
    assert "You can also call us: +45 33 12 34 56." in html
    assert f'content="{key}"' in html


def test_a_key_of_the_office_never_stands_in_a_page(fake_world: World) -> None:
    key = fake_world.services.access.create_key(fake_world.org, Role.DESK).key

    assert key not in fake_world.client().get(f"/?key={key}").get_data(as_text=True)


@pytest.mark.parametrize("key", ["nonsense", "hf_checkout_unknown", '"><script>', "\x00", "%ff"])
def test_a_page_answers_whatever_stands_in_place_of_a_key(client: Any, key: str) -> None:
    reply = client.get("/", query_string={"key": key})

    assert reply.status_code == 200
    assert 'name="holdfast-key" content=""' in reply.get_data(as_text=True)


def test_a_page_may_be_embedded_by_the_origins_of_its_key_alone(fake_world: World) -> None:
    made = fake_world.services.access.create_key(fake_world.org, Role.CHECKOUT, origins=["https://homes.example"])
    policy = fake_world.client().get(f"/?key={made.key}").headers["Content-Security-Policy"]

    assert "frame-ancestors https://homes.example;" in policy


@pytest.mark.parametrize("address", ["/desk", "/desk/people", "/visit"])
def test_other_pages_are_shown_in_no_frame(fake_world: World, address: str) -> None:
    made = fake_world.services.access.create_key(fake_world.org, Role.CHECKOUT, origins=["https://homes.example"])
    policy = fake_world.client().get(f"{address}?key={made.key}").headers["Content-Security-Policy"]

    assert "frame-ancestors 'none';" in policy


@pytest.mark.parametrize(("origin", "status"), [("http://localhost", 200), ("https://evil.example", 403)])
def test_a_key_with_origins_works_on_our_own_pages_too(fake_world: World, origin: str, status: int) -> None:
    made = fake_world.services.access.create_key(fake_world.org, Role.CHECKOUT, origins=["https://homes.example"])
    headers = {"Authorization": f"Bearer {made.key}", "Origin": origin}

    assert fake_world.client().get("/policy/public", headers=headers).status_code == status


@pytest.mark.parametrize(("address", "status"), [("/nothing", 404), ("/desk/nothing", 404), ("/bookings", 401)])
def test_a_problem_is_no_page_that_runs_loads_or_is_framed(client: Any, address: str, status: int) -> None:
    reply = client.get(address, headers={"Accept": "text/html"})
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "application/problem+json")
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_fault_of_ours_is_no_page_either(fake_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("<img onerror>")

    monkeypatch.setattr(fake_world.services.catalogue_desk, "get_policy", breaks)
    reply = fake_world.client().get("/policy", headers=fake_world.auth("admin"))
    assert reply.status_code == 500
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "img" not in reply.text
