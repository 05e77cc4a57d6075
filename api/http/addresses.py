"""The form of a client's address in which all limits count it."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

REMEMBERED = 4096
NETWORK_BITS = 64
"""An IPv6 customer gets at least a /64 and may use each address of it."""


@lru_cache(REMEMBERED)
def normal_address(text: str) -> str:
    """IPv4 as it is, IPv6 as its /64 network, IPv4 within IPv6 as IPv4; ports, brackets and zones are dropped.

    Text that is no address, such as the peer of a unix socket, becomes "": all of them count as one address.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(_without_port(text.strip()))
    except ValueError:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"


def _without_port(text: str) -> str:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.partition("%")[0]
