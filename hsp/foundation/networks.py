"""The network an address lies in, in one spelling, so that one visitor is not counted as many."""

import ipaddress


def network_of(address: str, *, ipv4: int, ipv6: int) -> str:
    """The network of that prefix length. An IPv4 address inside IPv6 counts as IPv4.

    What is no IP address (the name of a socket, an empty string) stands for itself.
    """
    try:
        known: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    plain = mapped or known
    return str(ipaddress.ip_network(f"{plain}/{ipv4 if plain.version == 4 else ipv6}", strict=False))
