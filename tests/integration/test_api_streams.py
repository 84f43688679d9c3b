"""Streams over the API: they resume where they broke off, count against their user, and end with the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from appserver.core.entities import AppKey, Desired, Observed, ServiceObserved
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from appserver.web import shapes, sse
from tests.lab.etcd import Etcd
from tests.lab.served import API, Site, serving
from tests.lab.wait import wait_until

COMPOSE = "services:\n  web:\n    image: bb:1\n"
SHOP = AppKey("default", "shop")


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a stream; `event` is empty for a heartbeat."""

    id: str
    event: str
    data: object


@contextmanager
def listening(site: Site, path: str, token: str, last: str = "") -> Iterator[Iterator[Told]]:
    """The events of a stream, heartbeats left out."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    with requests.Session() as session:
        session.trust_env = False
        told = {**headers, **({"Last-Event-ID": last} if last else {})}
        with session.get(site.url + API + path, headers=told, stream=True, timeout=20) as answer:
            assert answer.status_code == 200, answer.text
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            yield _events(answer)


def _events(answer: requests.Response) -> Iterator[Told]:
    fields: dict[str, str] = {}
    for raw in answer.iter_lines(chunk_size=1):
        line = raw.decode()
        if not line:
            if "event" in fields:
                yield Told(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


@pytest.fixture
def token(site: Site) -> str:
    site.node()
    return site.token()


def _observe(site: Site, phase: str, step: str) -> None:
    """What the agent of n1 would say of the newest desired record."""
    wanted = read(site.services.kv, keys.desired("n1", SHOP), Desired)
    assert wanted
    service = ServiceObserved("web", "running", containers=("shop-web-1",))
    now = site.services.clock.now()
    said = Observed(wanted.revision, wanted.record.revision, phase, now, step, (service,))  # type: ignore[arg-type]
    assert site.services.kv.commit({}, {keys.observed("n1", SHOP): encode(said)})


def test_an_operation_is_followed_to_its_end(site: Site, token: str):
    """Each state comes as `progress`, the last one as `done`; then the stream ends."""
    body = {"name": "shop", "compose": COMPOSE}
    operation = site.api("POST", "/applications", token, json=body).json()["id"]
    with listening(site, f"/operations/{operation}/events", token) as events:
        first = next(events)
        assert (first.event, first.data["state"]) == ("progress", "pending")  # type: ignore[index]
        _observe(site, "acting", "create web")
        second = next(events)
        assert (second.event, second.data["step"]) == ("progress", "create web")  # type: ignore[index]
        _observe(site, "done", "")
        *_, last = events
    assert (last.event, last.data["state"]) == ("done", "done")  # type: ignore[index]
    shapes.Operation.model_validate(last.data)


def test_a_client_that_comes_back_is_told_only_what_is_new(site: Site, token: str):
    """With `Last-Event-ID` nothing is repeated, and nothing is missed."""
    operation = site.api("POST", "/applications", token, json={"name": "shop", "compose": COMPOSE}).json()["id"]
    with listening(site, f"/operations/{operation}/events", token) as events:
        first = next(events)
    _observe(site, "done", "")
    with listening(site, f"/operations/{operation}/events", token, last=first.id) as events:
        assert [event.event for event in events] == ["done"]


def test_an_operation_is_done_for_whoever_asks_later(site: Site, token: str):
    """A page that is loaded after the end gets the end, and does not wait."""
    operation = site.api("POST", "/applications", token, json={"name": "shop", "compose": COMPOSE}).json()["id"]
    _observe(site, "done", "")
    with listening(site, f"/operations/{operation}/events", token) as events:
        assert [event.event for event in events][-1] == "done"
    assert site.api("GET", f"/operations/{operation}", token).json()["state"] == "done"


@pytest.mark.parametrize("operation", ["default.nope.1.999999999", "nonsense", "default.shop.1", "../x"])
def test_what_is_no_operation_is_refused_before_the_stream(site: Site, token: str, operation: str):
    """404 or 422, not a stream that begins well and then breaks."""
    answer = site.api("GET", f"/operations/{operation}/events", token)
    assert answer.status_code in (404, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_events_are_heard_as_they_happen_and_resumed(site: Site, token: str):
    """News of all buses or of one, and after a break the rest of it."""
    with listening(site, "/events?bus=bus.cluman.node", token) as events:
        site.services.events.emit("bus.cluman.node", "online", None, "n1", "one")
        site.services.events.emit("bus.cluman.log.application", "start", None, "default.shop", "not this one")
        site.services.events.emit("bus.cluman.node", "offline", None, "n1", "two")
        heard = [next(events), next(events)]
    assert [event.data["message"] for event in heard] == ["one", "two"]  # type: ignore[index]
    site.services.events.emit("bus.cluman.node", "online", None, "n1", "three")
    with listening(site, "/events", token, last=heard[0].id) as events:
        told = [next(events).data["message"] for _ in range(3)]  # type: ignore[index]
    assert told == ["not this one", "two", "three"]


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "9" * 30])
def test_an_odd_place_to_resume_is_refused(site: Site, token: str, last: str):
    """422 with a reason, before the stream."""
    answer = site.api("GET", "/events", token, headers={"Accept": "text/event-stream", "Last-Event-ID": last})
    assert answer.status_code == 422


def test_streams_of_one_user_are_bounded_and_given_back(kv: Etcd, tmp_path: Path):
    """One too many is 429; closing one makes room; another user is not affected."""
    with serving(kv, tmp_path, lambda given: given.update(streams_per_user=2)) as site:
        token, other = site.token(), site.token("bob", "viewer")
        streaming = {"Accept": "text/event-stream"}
        with listening(site, "/events", token), listening(site, "/events", token):
            refused = site.api("GET", "/events", token, headers=streaming)
            assert refused.status_code == 429
            assert int(refused.headers["Retry-After"]) >= 1
            with listening(site, "/events", other):
                pass
        site.services.events.emit(
            "bus.cluman.node", "online", None, "n1", "a closed client is noticed at the next write"
        )
        wait_until(lambda: site.api("GET", "/me", token).status_code == 200, "it answers")
        wait_until(lambda: _may_stream(site, token), "the streams that were closed are given back", 20)


def _may_stream(site: Site, token: str) -> bool:
    site.services.events.emit("bus.cluman.node", "online", None, "n1", "again")
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        with session.get(f"{site.url}{API}/events", headers=headers, stream=True, timeout=20) as answer:
            return answer.status_code == 200


def test_streams_end_when_the_server_begins_to_stop(site: Site, token: str):
    """Nobody who watches holds the server up."""
    with listening(site, "/events", token) as events:
        site.closing.set()
        assert list(events) == []


def test_a_stream_ends_by_itself_so_that_rights_are_asked_again(
    site: Site, token: str, monkeypatch: pytest.MonkeyPatch
):
    """Somebody whose account was closed does not listen for ever: their client comes back, and is refused."""
    monkeypatch.setattr(sse, "LONGEST_S", 0.0)
    with listening(site, "/events", token) as events:
        site.services.events.emit("bus.cluman.node", "online", None, "n1", "one")
        assert list(events) == []


def test_a_line_of_a_log_cannot_end_its_event(site: Site, token: str):
    """Whatever a container writes, one line of it is one event's data, and no event of its own."""
    message = sse.Message("log", "a\r\n\r\nevent: done\rdata: forged\n\nid: 7", 3)
    assert [line.partition(":")[0] for line in str(message).splitlines() if line] == ["id", "event"] + ["data"] * 6
