"""The table of the site's configuration: what may stand under each key, and what people see of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core import durations, site_config
from appserver.core.site_config import BY_KEY, TABLE, Site
from appserver.errors import Invalid, NotFound

USERS = json.dumps({"root": {"password": {"raw": "hunter2"}}, "power": {"password": {"hash": "a1", "salt": "b2"}}})


BAD: dict[str, tuple[str, ...]] = {
    "config/worker-timeout-duration": ("", "3600000000000", "10", "-1h", "0", "1d", "999999999h"),
    "config/proxy": (
        *("", "squid:3128", "ftp://x/", "gopher://x/", "http://", "http://a b/", "http://x:0/", "http://x:99999"),
        *("http://x/#f", "http://2130706433/", "http://0x7f.1/", "file:///etc/passwd", "http://x\n"),
    ),
    "config/notification/slack": ("https://hooks.slack.com", "https://u:p@hooks.slack.com/x"),
    "config/external-ip-address-block": (
        *("10.0.0.1", "::1/32", "::1", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "10.0.0/8", "010.0.0.0/8"),
    ),
    "config/release-time": ("", "\n", "* * * *", "* * * * *\n61 * * * *", "* * * * *\n" * 101),
    "config/release-timezone": ("", "Mars/Base", "../../etc/passwd", "/etc/passwd", "Asia", "A\0"),
    "config/env": ("", "production", "PROD", "none "),
    "config/github-token": ("", " x", "a\nb", "a\x00b", "x" * 5000, "sealed:v1:abc"),
    "bmc/bmc-user": (
        *("", "[]", "{}", '{"root": {}}', '{"root": {"password": "raw"}}', '{"root": {"password": {}}}'),
        *('{"root": {"password": {"raw": ""}}}', '{"root": {"password": {"hash": "a"}}}', "[" * 9999, '{"a": NaN}'),
        *('{"root": {"password": {"raw": "a", "salt": "b"}}}', '{"ro ot": {"password": {"raw": "a"}}}'),
        *('{"root": {"password": {"raw": "\\ud800"}}}', '{"a": {"password": {"raw": "a"}}, "a": 1}'),
        '{"root": {"password": {"raw": 5}}}',
    ),
    "cke/weight": ("5", '{"cs": "18"}', '{"cs": 0}', '{"cs": -1}', '{"cs": true}', '{"cs": 1e999}'),
}


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("worker-timeout", "90m", "5400000000000"),
        ("config/check-update-interval", "1m30s", "90000000000"),
        ("external-ip-address-block", "10.72.33.7/20", "10.72.32.0/20"),
        ("release-time", " 0 9 * *  1-5 \n\n0 13 * * 6\n", "0 9 * * 1-5\n0 13 * * 6"),
        ("release-timezone", "Europe/Berlin", "Europe/Berlin"),
        ("env", "staging", "staging"),
        ("proxy", "http://squid:3128", "http://squid:3128"),
        ("slack", "https://hooks.slack.com/services/T0/B0/XX", "https://hooks.slack.com/services/T0/B0/XX"),
        ("github-token", "ghp_abc\n", "ghp_abc"),
        ("webhook", "https://ops.example.com/hooks?to=a", "https://ops.example.com/hooks?to=a"),
        ("webhook-secret", "sixteen or more !\n", "sixteen or more !"),
        (
            "mail",
            "ops@example.com\n\n ann+x@mail.example.com \nops@example.com",
            "ops@example.com\nann+x@mail.example.com",
        ),
        ("mail-sender", "moorage@example.com", "moorage@example.com"),
        ("smtp", "starttls://ann:hunt%40r2@mail.example.com:587", "starttls://ann:hunt%40r2@mail.example.com:587"),
        ("cke/weight", '{"cs":18, "ss": 1.5}', '{"cs": 18, "ss": 1.5}'),
        ("bmc-user", USERS, USERS),
    ],
)
def test_what_people_write_is_kept_as_the_seed_has_it(name: str, given: str, kept: str):
    """Nanoseconds in decimal, networks without host bits, a line of cron each."""
    assert site_config.find(name).keep(given) == kept


@pytest.mark.parametrize(("key", "bad"), [(key, bad) for key, some in BAD.items() for bad in some])
def test_what_does_not_belong_there_is_refused_with_the_key(key: str, bad: str):
    """The reason names the key, and repeats nothing: it may have been a password for another one."""
    with pytest.raises(Invalid) as told:
        BY_KEY[key].keep(bad)
    assert told.value.where.startswith(key)
    assert len(bad.strip()) < 6 or bad not in str(told.value)


def test_what_is_kept_is_told_as_people_write_it():
    """A default too is one that could be set."""
    for setting in TABLE:
        if setting.default:
            assert setting.keep(setting.kind.tell(setting.default)) == setting.default


@pytest.mark.parametrize(
    ("name", "kept", "shown"),
    [
        ("worker-timeout", "3600000000000", "1h0m0s"),
        ("proxy", "http://squid:3128", "http://squid:3128"),
        ("proxy", "http://ann:hunter2@squid:3128/", "http://ann:***@squid:3128/"),
        ("slack", "https://hooks.slack.com/services/T0/B0/XX?a=b", "https://hooks.slack.com/services/T0/B0/***"),
        ("webhook", "https://ops.example.com/hooks/XX", "https://ops.example.com/hooks/***"),
        ("webhook-secret", "hunter2", "***"),
        ("smtp", "smtps://ann:hunter2@mail.example.com", "smtps://ann:***@mail.example.com"),
        ("bmc-user", USERS, "***"),
        ("ipmi-password", "hunter2", "***"),
    ],
)
def test_nothing_secret_is_shown(name: str, kept: str, shown: str):
    """Passwords, also within a URL, and the part of a webhook's that lets anybody write to it."""
    assert site_config.find(name).shown(kept) == shown


@pytest.mark.parametrize(("kept", "why"), [("1h", "nanoseconds"), ("", "nanoseconds"), ("9" * 19, "nanoseconds")])
def test_what_another_program_kept_is_checked(kept: str, why: str):
    """A duration that is none in etcd is a fault, not a crash."""
    with pytest.raises(Invalid, match=why):
        site_config.find("worker-timeout").shown(kept)


def test_old_and_other_names_find_their_key():
    """Neco's own words for its command line, keys with and without their section, and an old key."""
    for name in (
        "config/worker-timeout",
        "worker-timeout",
        "config/worker-timeout-duration",
        "worker-timeout-duration",
    ):
        assert site_config.find(name).key == "config/worker-timeout-duration"
    assert site_config.find("slack").key == "config/notification/slack"
    names = [name for setting in TABLE for name in (setting.key, *setting.names, *setting.old)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "near"), [("config/prxy", "config/proxy"), ("worker-timout", "config/worker-timeout-duration")]
)
def test_a_key_that_is_none_is_refused_with_the_nearest(name: str, near: str):
    """So that a slip of the finger is seen."""
    with pytest.raises(NotFound, match=f"did you mean {near}"):
        site_config.find(name)


@pytest.mark.parametrize(
    "name", ["", "../x", "config/", "a" * 10_000, "config/proxy/x", "CONFIG/PROXY", "a\x00b", "--help"]
)
def test_no_other_name_reaches_a_key(name: str):
    """Whatever it is, and however long."""
    with pytest.raises(NotFound) as told:
        site_config.find(name)
    assert len(str(told.value)) < 400


def test_a_view_tells_what_is_in_force():
    """Typed, with defaults, and no secret where it is printed."""
    site = Site(7, {"config/worker-timeout-duration": "90000000000", "config/github-token": "hunter2"})
    assert site.seconds("config/worker-timeout-duration") == 90
    assert site.seconds("config/check-update-interval") == 60
    assert site.text("config/github-token") == "hunter2"
    assert (site.text("config/env"), site.text("config/proxy")) == ("none", "")
    assert site.lines("config/release-time") == ("* * * * *",)
    assert "hunter2" not in repr(site)


@given(st.integers(1_000_000_000, durations.LONGEST))
def test_a_duration_goes_through_every_form_unharmed(nanoseconds: int):
    """Kept, told to people, and given back by them."""
    setting = BY_KEY["config/worker-timeout-duration"]
    assert setting.keep(setting.shown(str(nanoseconds))) == str(nanoseconds)


@given(st.text(max_size=60))
def test_no_text_breaks_a_kind(text: str):
    """Whatever comes is kept or refused; and what is kept is told, and kept as the same again."""
    for setting in TABLE:
        try:
            kept = setting.keep(text)
        except Invalid:
            continue
        assert setting.keep(setting.kind.tell(kept)) == kept
