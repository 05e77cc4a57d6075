"""Which addresses of the network may be asked on behalf of a customer: public ones, and no other."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_NAT64: Final = ip_network("64:ff9b::/96")
_NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # the metadata service of a large cloud, in a public range
            "192.0.0.0/24",  # protocols, and a metadata service; Python knows but parts of it
            "192.88.99.0/24",  # 6to4 relays
            "64:ff9b:1::/48",  # NAT64 for local use
            "2001::/23",  # protocols, Teredo among them
            "2002::/16",  # 6to4
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet: not private, loopback, link-local, multicast, shared (CGNAT),
    reserved or of a metadata service. An IPv6 address that stands for an IPv4 one counts as that one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = _meant(found)
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return False
    if isinstance(found, IPv6Address) and found.is_site_local:
        return False
    return not any(found.version == each.version and found in each for each in _NOT_PUBLIC)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64 or int(address) >> 32 == 0:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
