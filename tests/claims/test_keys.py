"""The names of keys in Redis."""

from __future__ import annotations

from services.claims.keys import org_keys


def test_no_key_has_a_name_that_the_first_release_gave_its_own() -> None:
    """That one kept lists of key names where there are spans now, and its records would make scripts fail halfway."""
    names = org_keys("demo")
    made = [names.epoch, names.events, names.pins, names.rebuild, names.hold("h_1"), names.booking("bk_1")]
    assert not [name for name in made if name.startswith("hf:")]
