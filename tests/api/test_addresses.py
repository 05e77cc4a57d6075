"""The form in which limits count a client's address."""

from __future__ import annotations

import pytest

from api.http.addresses import normal_address


@pytest.mark.parametrize(
    ("written", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:0:0:9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::3", "2001:db8:1:3::/64"),
        ("[2001:db8:1:2::3]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::3]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:80", "192.0.2.7"),
        ("", ""),
        ("unknown", ""),
        ("_hidden", ""),
        ("192.0.2.700", ""),
        ("192.0.2.7, 192.0.2.8", ""),
        ("192.0.2.7:", "192.0.2.7"),
        ("[", ""),
    ],
)
def test_it_is_the_address_or_the_network_without_port(written: str, counted: str) -> None:
    assert normal_address(written) == counted
