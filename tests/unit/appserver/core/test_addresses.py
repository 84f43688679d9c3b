from __future__ import annotations

from ipaddress import ip_address

import pytest

from appserver.core.addresses import (
    Endpoint,
    Outgoing,
    check_addresses,
    check_host,
    endpoint,
    outgoing,
    redacted,
    refusal,
    split_url,
)
from appserver.errors import Invalid

PUBLIC = Outgoing()


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses_may_be_reached(address: str) -> None:
    """The internet is what an outgoing URL is for."""
    assert refusal(ip_address(address), PUBLIC) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "the unspecified address"),
        ("::", "the unspecified address"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("10.1.2.3", "in a private network"),
        ("fd00::1", "in a private network"),
        ("100.64.0.1", "not a public address"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::127.0.0.1", "loopback"),
        ("64:ff9b::169.254.169.254", "link-local"),
        ("2002:7f00:1::", "loopback"),
        ("240.0.0.1", "in a private network"),
    ],
)
def test_other_addresses_are_refused_by_kind(address: str, why: str) -> None:
    """Loopback, metadata services and private networks are out of bounds, in whatever clothes a v4 address comes."""
    assert refusal(ip_address(address), PUBLIC) == why


def test_a_setting_opens_a_private_network_and_nothing_else() -> None:
    """`networks` names networks; their neighbours stay closed, mapped forms of the named are open."""
    rule = outgoing(["10.0.0.0/8", "fd12::/16", "192.168.1.7"])
    assert refusal(ip_address("10.200.0.1"), rule) is None
    assert refusal(ip_address("::ffff:10.200.0.1"), rule) is None
    assert refusal(ip_address("fd12::9"), rule) is None
    assert refusal(ip_address("192.168.1.7"), rule) is None
    assert refusal(ip_address("192.168.1.8"), rule)
    assert refusal(ip_address("127.0.0.1"), rule)


def test_a_network_that_is_none_is_refused_by_its_text() -> None:
    """A setting that cannot be read stops the start, and says which text it was."""
    with pytest.raises(Invalid, match=r"'10\.0\.0\.0/99' is not a network"):
        outgoing(["10.0.0.0/99"])


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.01", "1.2.3.4.5", "example.0x10", "1.2.3"]
)
def test_odd_forms_of_v4_are_refused_unread(host: str) -> None:
    """Decimal, octal, hexadecimal and short forms: those who resolve them do not agree, so nobody is asked to."""
    with pytest.raises(Invalid, match="four decimal numbers"):
        check_host(host, "url")


@pytest.mark.parametrize(
    "host", ["-x.example", "a..b", "", "exa mple", "ex/ample", "ünïcode.example", "a" * 64 + ".example"]
)
def test_hosts_that_are_no_names_are_refused(host: str) -> None:
    """A host is a DNS name, or an address."""
    with pytest.raises(Invalid):
        check_host(host, "url")


def test_a_host_is_lower_case_and_without_its_last_dot() -> None:
    """Two spellings of one host are one host."""
    assert check_host("Git.Example.COM.", "url") == "git.example.com"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gopher://example.com/", "only https"),
        ("http://example.com/", "only https"),
        ("file:///etc/passwd", "only https"),
        ("https:example.com", "only https"),
        ("https://127.0.0.1/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[fd00::1]:8443/", "private network"),
        ("https://0x7f.1/", "four decimal numbers"),
        ("https://example.com:99999/", "not a URL"),
        ("https://example.com:0/", "0 is no port"),
        ("https://exa mple.com/", "printable"),
        ("https://example.com/\n", "printable"),
        ("https://example.com\\@127.0.0.1/", "printable"),
        ("https:///x", "neither a DNS name nor an address"),
        ("https://[::1/", "not a URL"),
        ("https://" + "a" * 3000, "printable"),
        ("", "printable"),
    ],
)
def test_urls_out_of_bounds_are_refused(url: str, why: str) -> None:
    """What is refused is refused before anything is looked up."""
    with pytest.raises(Invalid, match=why):
        checked(url)


def checked(url: str, scheme: str = "https") -> Endpoint:
    return endpoint(split_url(url, "url", (scheme,)), "url", PUBLIC)


def test_a_url_leads_to_a_host_and_a_port() -> None:
    """The port is the scheme's where the URL names none."""
    assert checked("https://Example.com/x?y=1") == Endpoint("https", "example.com", 443)
    assert checked("http://example.com:8080", "http").port == 8080


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    """A name that answers both ways (DNS rebinding) is not followed either way."""
    assert check_addresses("h", ["93.184.216.34"], "url", PUBLIC) == ("93.184.216.34",)
    with pytest.raises(Invalid, match=r"h is at 10\.0\.0\.1, which is in a private network"):
        check_addresses("h", ["93.184.216.34", "10.0.0.1"], "url", PUBLIC)
    with pytest.raises(Invalid, match="has no address"):
        check_addresses("h", [], "url", PUBLIC)


def test_the_user_part_of_a_url_never_shows() -> None:
    """Errors may quote a URL; its password stays hidden."""
    assert redacted("x https://bob:pw@h/p and ssh://tok@g/") == "x https://***@h/p and ssh://***@g/"
