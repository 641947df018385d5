"""Addresses and networks; what httpd says of them is in `verdicts.conf`."""

from __future__ import annotations

import pytest

from perijove.config.apache.subnets import SubnetError, networks


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("127.0.0.1", "127.0.0.1/32"),
        ("10", "10.0.0.0/8"),
        ("10.1.", "10.1.0.0/16"),
        ("10.1.2.3/16", "10.1.0.0/16"),
        ("10.1.2.3/255.255.0.0", "10.1.0.0/16"),
        ("10.1.2.3/0", "0.0.0.0/0"),
        ("::1/64", "::/64"),
    ],
)
def test_networks(text: str, network: str) -> None:
    (found,) = networks(text) or ()
    assert str(found) == network


@pytest.mark.parametrize("text", ["", "localhost", "a.b/8", ".example.org", "1.2.3.x"])
def test_what_may_be_a_name(text: str) -> None:
    assert networks(text) is None


@pytest.mark.parametrize("text", ["1.2.3.4.5", "300.1", "1..2", "10.1/16", "1.2.3.4/33", "1.2.3.4/", "::1/255.0.0.0", "::zz"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SubnetError):
        networks(text)


def test_masks_with_gaps_are_not_emulated() -> None:
    with pytest.raises(SubnetError, match="not emulated"):
        networks("10.0.0.0/255.0.255.0")
