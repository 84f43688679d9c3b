from __future__ import annotations

import pytest

from appserver.core.addresses import Endpoint, Outgoing
from appserver.core.git_urls import known_host, parse, pinned
from appserver.errors import Invalid

PUBLIC = Outgoing()


@pytest.mark.parametrize(
    ("url", "endpoint", "user"),
    [
        ("https://git.example.com/team/config.git", Endpoint("https", "git.example.com", 443), ""),
        ("https://git.example.com:8443/config", Endpoint("https", "git.example.com", 8443), ""),
        ("ssh://git@git.example.com:2222/~/config.git", Endpoint("ssh", "git.example.com", 2222), "git"),
        ("git@github.example:team/config.git", Endpoint("ssh", "github.example", 22), "git"),
    ],
)
def test_https_and_ssh_are_understood(url: str, endpoint: Endpoint, user: str) -> None:
    """The two transports, and the short form of ssh that every forge shows."""
    found = parse(url, PUBLIC)
    assert (found.text, found.endpoint, found.user) == (url, endpoint, user)


def test_git_is_bound_to_the_addresses_that_were_checked() -> None:
    """curl is told the addresses, ssh the line of known_hosts: neither looks the name up again."""
    url = parse("https://git.example.com/x", PUBLIC)
    assert pinned(url, ["192.0.2.1", "2001:db8::1"]) == "git.example.com:443:192.0.2.1,[2001:db8::1]"
    assert known_host(parse("ssh://git@h.example:2222/x", PUBLIC)) == "[h.example]:2222"
    assert known_host(parse("git@h.example:x", PUBLIC)) == "h.example"


def test_a_password_in_a_url_is_refused_without_being_repeated() -> None:
    """The error goes to logs and pages; the secret does not."""
    with pytest.raises(Invalid) as error:
        parse("https://bob:hunter2@git.example.com/x", PUBLIC)
    assert "hunter2" not in str(error.value)
    assert "credential" in str(error.value)
