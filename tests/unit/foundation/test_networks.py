"""One visitor is one network, however the address is written."""

import pytest

from hsp.foundation.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("::ffff:c000:207", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:0DB8:0001:0002::6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix:", "unix:"),
        ("", ""),
        ("192.0.2.7\r\n", "192.0.2.7\r\n"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address, ipv4=24, ipv6=48) == network
