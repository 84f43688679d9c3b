"""One POST to a receiver on this machine: what its answers mean, and what may not be reached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest

from appserver.adapters.posts import HttpPosts
from appserver.core.addresses import outgoing
from appserver.core.sendings import Result
from appserver.ports.notices import Post
from tests.lab.certs import Authority
from tests.lab.receivers import Receiver, forwarding, receiver

HERE = outgoing(["127.0.0.0/8"])
POSTS = HttpPosts(HERE)
WHERE = "config/notification/webhook"


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def post(there: Receiver, url: str = "", proxy: str = "") -> Post:
    return Post(WHERE, url or f"{there.url}/hook?to=ops", b'{"a": 1}', {"Idempotency-Key": "k1"}, proxy)


def never() -> None:
    raise AssertionError("nothing was to be sent")


def test_what_is_posted_arrives_as_it_is(there: Receiver) -> None:
    """Path, query, headers and body; the claim is made before."""
    seen: list[int] = []
    assert POSTS.post(post(there), lambda: seen.append(len(there.got))) == Result("sent")
    (got,) = there.got
    assert (got.path, got.headers["Idempotency-Key"], got.json, seen) == ("/hook?to=ops", "k1", {"a": 1}, [0])
    assert got.headers["Host"] == urlsplit(there.url).netloc


@pytest.mark.parametrize(
    ("status", "headers", "wanted"),
    [
        (204, {}, Result("sent")),
        (500, {}, Result("again", "answered 500")),
        (503, {"Retry-After": "120"}, Result("again", "answered 503", 120.0)),
        (429, {"Retry-After": "7"}, Result("again", "answered 429", 7.0)),
        (429, {"Retry-After": "soon"}, Result("again", "answered 429")),
        (429, {"Retry-After": "999999999"}, Result("again", "answered 429", 86_400.0)),
        (408, {}, Result("again", "answered 408")),
        (404, {}, Result("refused", "answered 404")),
        (410, {}, Result("refused", "answered 410")),
        (
            302,
            {"Location": "http://169.254.169.254/"},
            Result("refused", "answered 302: sends us elsewhere, which is not followed"),
        ),
    ],
)
def test_what_an_answer_means(there: Receiver, status: int, headers: dict[str, str], wanted: Result) -> None:
    """Another try, or none; and a redirect leads nowhere."""
    there.answers, there.said = [(status, headers)], b""
    assert POSTS.post(post(there), lambda: None) == wanted
    assert len(there.got) == 1


def test_a_date_to_come_back_at_is_heard(there: Receiver) -> None:
    """Retry-After as HTTP has it, too."""
    at = datetime.now(UTC) + timedelta(seconds=300)
    there.answers = [(503, {"Retry-After": format_datetime(at, usegmt=True)})]
    assert 290 < POSTS.post(post(there), lambda: None).retry_after_s <= 300


def test_slacks_own_word_is_told_and_nothing_else_is(there: Receiver) -> None:
    """A page that repeats the secret URL stays out of logs and record."""
    there.answers, there.said = [(404, {}), (404, {})], b"channel_is_archived"
    assert POSTS.post(post(there), lambda: None).reason == "answered 404 channel_is_archived"
    there.said = b"<p>No such hook: /services/T0/B0/hunter2"
    assert POSTS.post(post(there, f"{there.url}/services/T0/B0/hunter2"), lambda: None).reason == "answered 404"


def test_a_receiver_that_is_down_is_tried_again_and_not_claimed() -> None:
    """Nobody there, no such name: nothing was sent."""
    with receiver() as gone:
        pass
    assert POSTS.post(post(gone), never) == Result("again", "not reached: Connection refused")
    found = POSTS.post(post(gone, "http://no-such-host.invalid/x"), never)
    assert (found.kind, found.reason.partition(":")[0]) == ("again", "not reached")


def test_a_claim_that_is_refused_sends_nothing(there: Receiver) -> None:
    """Another leads by then."""

    def lost() -> None:
        raise RuntimeError("another leads")

    with pytest.raises(RuntimeError, match="another leads"):
        POSTS.post(post(there), lost)
    assert there.got == []


def test_no_answer_in_time_is_not_known(there: Receiver) -> None:
    """It was sent, and may have arrived."""
    there.gate = Event()
    found = HttpPosts(HERE, limit_s=0.3).post(post(there), lambda: None)
    there.gate.set()
    assert found == Result("unknown", "no answer to what was sent: nothing for 0.3 s")


@pytest.mark.parametrize(
    "url",
    [
        *("http://169.254.169.254/latest/x", "http://[::1]:2379/x", "http://10.0.0.1/x", "http://0.0.0.0/x"),
        *("https://2130706433/x", "http://0x7f.1/x", "http://[::ffff:169.254.169.254]/x", "gopher://127.0.0.1/x"),
        *("file:///etc/passwd", "http://[fe80::1]/x"),
    ],
)
def test_no_address_within_is_called(there: Receiver, url: str) -> None:
    """Refused for good, by the key; whatever is configured, and without a word of it."""
    found = POSTS.post(post(there, url), never)
    assert found.kind == "refused"
    assert found.reason.startswith(WHERE)


def test_a_name_that_leads_within_is_seen_through(there: Receiver) -> None:
    """Every address of it is looked at, and the one that was looked at is called."""
    port = urlsplit(there.url).port
    for addresses in (["169.254.169.254"], ["127.0.0.1", "10.0.0.1"]):
        found = HttpPosts(HERE, lambda host, port, to=addresses: to).post(
            post(there, f"http://hooks.test:{port}/x"), never
        )
        assert found.kind == "refused", addresses
    assert HttpPosts(HERE, lambda host, port: ["127.0.0.1"]).post(
        post(there, f"http://hooks.test:{port}/x"), lambda: None
    ) == Result("sent")
    assert there.got[0].headers["Host"] == f"hooks.test:{port}"


def test_without_a_setting_this_machine_is_not_called(there: Receiver) -> None:
    """`networks` permits it to tests, and to nobody by default."""
    found = HttpPosts(outgoing(())).post(post(there), never)
    assert found.kind == "refused"
    assert "the setting `networks` may permit it" in found.reason


def test_certificates_are_held_to_the_systems_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS, an unknown one is not told anything; a known one is."""
    authority = Authority(tmp_path)
    with receiver(authority.issue("hooks.test")) as there:
        posts = HttpPosts(HERE, lambda host, port: ["127.0.0.1"])
        what = post(there, f"https://hooks.test:{urlsplit(there.url).port}/x")
        found = posts.post(what, never)
        assert (found.kind, found.reason.partition(": ")[2].partition(":")[0]) == (
            "again",
            "its certificate is not to be trusted",
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        assert posts.post(what, lambda: None) == Result("sent")
        wrong = posts.post(post(there, f"https://other.test:{urlsplit(there.url).port}/x"), never)
        assert "certificate" in wrong.reason
    assert [got.json for got in there.got] == [{"a": 1}]


def test_the_sites_proxy_is_used_with_its_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For both schemes; names are the proxy's to look up; the receiver never sees the log-in."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with receiver() as plain, receiver(authority.issue("secure.invalid")) as secure:
        ports = {"plain.invalid": urlsplit(plain.url).port or 0, "secure.invalid": urlsplit(secure.url).port or 0}
        with forwarding(ports) as (where, asked):
            proxy = f"http://ann:hunter%402@{where}"
            assert POSTS.post(post(plain, "http://plain.invalid/a", proxy), lambda: None) == Result("sent")
            assert POSTS.post(post(secure, "https://secure.invalid/b", proxy), lambda: None) == Result("sent")
    assert asked == ["http://plain.invalid/a ann:hunter@2", "secure.invalid:443 ann:hunter@2"]
    assert [got.path for got in (*plain.got, *secure.got)] == ["/a", "/b"]
    assert "hunter" not in json.dumps([got.headers for got in (*plain.got, *secure.got)])


@pytest.mark.parametrize("proxy", ["http://169.254.169.254:80", "http://127.0.0.1:2379", "http://[fe80::1]:1"])
def test_a_proxy_is_no_way_into_this_machine(there: Receiver, proxy: str) -> None:
    """It may be in a private network, and not here, nor at the metadata service."""
    found = HttpPosts(outgoing(())).post(post(there, "http://hooks.example.com/x", proxy), never)
    assert (found.kind, found.reason.partition(":")[0]) == ("refused", "config/proxy")


def test_behind_a_proxy_an_address_within_is_still_refused(there: Receiver) -> None:
    """The proxy may reach what we may not."""
    with forwarding({}) as (where, asked):
        found = POSTS.post(post(there, "http://169.254.169.254/x", f"http://{where}"), never)
    assert (found.kind, asked) == ("refused", [])


def test_a_proxy_that_says_no_is_asked_again() -> None:
    """Nothing was sent."""
    with receiver() as no_proxy:
        found = POSTS.post(post(no_proxy, "https://hooks.example.com/x", no_proxy.url), never)
    assert found.kind == "again"
    assert found.reason.startswith("not reached by the proxy: Tunnel connection failed: 501")
