"""Hosts and paths that a project exposes: what is no name of DNS and no plain path reaches no proxy's settings."""

from __future__ import annotations

import json

import pytest

from tests.bad_input.doors import Bad, Doors

HOSTS = {
    "newline": "shop.example\n  server evil 6.6.6.6:80",
    "trailing newline": "shop.example\n",
    "command": "shop.example;disable frontend front",
    "blank": "shop.example backup",
    "comment": "shop.example#",
    "quote": 'shop.example"',
    "variable": "$(id).example",
    "log format": "%[env(HOME)].example",
    "wildcard": "*.example.net",
    "port": "shop.example:80",
    "path": "shop.example/x",
    "address": "10.0.0.1",
    "short address": "10.1",
    "hexadecimal address": "0x7f000001",
    "address of version 6": "::1",
    "bracketed": "[::1]",
    "metadata": "169.254.169.254",
    "upper case": "Shop.example",
    "homoglyph": "sh\u043ep.example",
    "full width": "\uff53hop.example",
    "nul": "shop\x00.example",
    "empty": "",
    "dot": ".",
    "dots": "shop..example",
    "last dot": "shop.example.",
    "hyphen": "-rf.example",
    "underscore": "_dmarc.example",
    "long label": "x" * 64 + ".example",
    "too long": ".".join(["x" * 60] * 5),
    "localhost": "localhost",
}
PATHS = {
    "no slash": "api",
    "parent": "/../admin",
    "parent within": "/a/../b",
    "dot": "/a/./b",
    "two slashes": "//evil.example",
    "blank": "/a b",
    "newline": "/a\nroute0001",
    "command": "/a;shutdown",
    "escape": "/%2e%2e/",
    "question": "/a?b",
    "fragment": "/a#b",
    "backslash": "/a\\b",
    "nul": "/a\x00",
    "homoglyph": "/\u0430pi",
    "too long": "/" + "x" * 200,
    "wildcard": "/*",
    "quote": '/"',
}


def project(**expose: str) -> Bad:
    said = {"service": "web", "port": 80, **expose}
    return Bad(f"services:\n  web:\n    image: bb:1\nx-moorage: {{expose: {json.dumps(said)}}}\n")


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
def test_no_host_but_a_name_is_exposed(doors: Doors, host: str) -> None:
    """Refused with a reason, and nothing is written."""
    doors.refused(project(host=host), by=("deploy",))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_no_path_but_a_plain_one_is_exposed(doors: Doors, path: str) -> None:
    doors.refused(project(host="shop.example", path=path), "x-moorage.expose.path", by=("deploy",))


def test_every_door_refuses_it(doors: Doors) -> None:
    """The plan, the form and the command line too."""
    doors.refused(project(host=HOSTS["newline"]), "x-moorage.expose.host")
