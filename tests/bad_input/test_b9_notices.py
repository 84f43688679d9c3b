"""B9, where notices are sent: no door takes a URL that leads within, and no word of a value comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bad_input.doors import Doors, Said, is_refusal, record
from tests.lab.served import Site

WITHIN = {
    "loopback": "{}://127.0.0.1{}",
    "loopback, short": "{}://127.1{}",
    "loopback, decimal": "{}://2130706433{}",
    "loopback, octal": "{}://0177.0.0.1{}",
    "loopback, hexadecimal": "{}://0x7f000001{}",
    "loopback, v6": "{}://[::1]{}",
    "v4 in v6": "{}://[::ffff:127.0.0.1]{}",
    "unspecified": "{}://0.0.0.0{}",
    "metadata service": "{}://169.254.169.254{}",
    "link-local": "{}://[fe80::1]{}",
    "unique local": "{}://[fd00::1]{}",
    "private": "{}://10.0.0.1{}",
    "private, translated": "{}://[64:ff9b::a00:1]{}",
    "shared address space": "{}://100.64.0.1{}",
    "multicast": "{}://224.0.0.1{}",
    "etcd": "{}://127.0.0.1:2379{}",
}
BAD = {
    "config/notification/webhook": (
        *(url.format("http", "/x") for url in WITHIN.values()),
        *("gopher://example.com/_x", "file:///etc/passwd", "https://example.com", "https://u:p@example.com/x"),
        *(
            "https://example.com/x#y",
            "https://example.com:0/x",
            "https://exa mple.com/x",
            "https://example.com/\r\nX: y",
        ),
    ),
    "config/notification/slack": tuple(url.format("https", "/x") for url in WITHIN.values()),
    "config/notification/smtp": (
        *(url.format("smtp", "") for url in WITHIN.values()),
        *(
            "http://mail.example.com",
            "smtp://mail.example.com/x",
            "smtp://mail.example.com?x=y",
            "smtp://u@mail.example.com",
        ),
        *(
            "smtp://:hunter2@mail.example.com",
            "smtps://mail.example.com:0",
            "smtp://",
            "starttls://u:%0d%0a@mail.example.com",
        ),
    ),
    "config/notification/mail": (
        *("", "ops", "ops@", "@example.com", "a b@example.com", "a@exa mple.com", "<a@example.com>", "a@b.c, d@e.f"),
        *("a..b@example.com", ".a@example.com", "-@1", "a@example.com\nb", "\n".join(f"a{n}@b.c" for n in range(51))),
        *("a@example.com\r\nBcc: all@example.com", "ä@example.com", "a\x00@b.c", f"{'a' * 65}@b.c", '"a b"@b.c'),
    ),
    "config/notification/mail-sender": ("a@b.c\nd@e.f", "ops", "a@b.c\r\nSubject: x"),
    "config/notification/webhook-secret": ("", " x", "a\nb", "x" * 5000),
}


def api(doors: Doors, site: Site, key: str, value: str) -> Said:
    answer = site.api("PUT", f"/config/{key}", doors.token, json={"value": value})
    return Said(answer.status_code, answer.text)


def page(doors: Doors, _: Site, key: str, value: str) -> Said:
    return doors.post(f"/settings/{key}", {"value": value})


@pytest.mark.parametrize("door", [api, page])
@pytest.mark.parametrize("key", sorted(BAD))
def test_no_bad_value_becomes_a_channel(
    site: Site, tmp_path: Path, door: Callable[[Doors, Site, str, str], Said], key: str
) -> None:
    """Refused as it is written, with a reason; nothing is recorded and nothing is called."""
    doors = Doors(site, tmp_path, "admin")
    before = record(site.services.kv)
    said = {value: door(doors, site, key, value) for value in BAD[key]}
    assert {value: one for value, one in said.items() if not is_refusal(one)} == {}
    assert record(site.services.kv) == before


@pytest.mark.parametrize("value", BAD["config/notification/smtp"][:3])
def test_the_command_line_says_why(site: Site, tmp_path: Path, value: str) -> None:
    """With the key, and what may permit it."""
    doors = Doors(site, tmp_path, "admin")
    said = doors.run("config", "set", "smtp", value)
    assert (said.status, "config/notification/smtp" in said.text) == (2, True)


@pytest.mark.parametrize(
    "name", ["..%2f..%2fusers%2fann", "00000001-begin%2fslack", "x" * 500, "%00", "00000001-BEGIN"]
)
def test_no_name_of_a_notice_reaches_another_key(site: Site, tmp_path: Path, name: str) -> None:
    """Not there, or no such name; nothing changes."""
    doors = Doors(site, tmp_path, "admin")
    before = record(site.services.kv)
    answer = site.api("POST", f"/notices/{name}/resend", doors.token, json={})
    assert answer.status_code in (404, 422)
    assert record(site.services.kv) == before


@pytest.mark.parametrize("channel", ["fax", "../x", "nobody", "x" * 2000, 7, None, ["slack"]])
def test_no_other_channel_is_tested(site: Site, tmp_path: Path, channel: object) -> None:
    """A word of the list, or nothing."""
    doors = Doors(site, tmp_path, "admin")
    answer = site.api("POST", "/notices/test", doors.token, json={"channel": channel})
    assert answer.status_code == 422


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_only_administrators_have_something_sent(site: Site, role: str) -> None:
    """Whoever may look may not make this program call somebody."""
    token = site.token(f"a-{role}", role)  # type: ignore[arg-type]  # one of the two above
    assert site.api("GET", "/notices", token).status_code == 200
    assert site.api("POST", "/notices/test", token, json={}).status_code == 403
    assert site.api("POST", "/notices/00000001-begin/resend", token, json={}).status_code == 403
    assert site.api("GET", "/notices").status_code == 401
