"""The JSON of Citadel's seed, in and out, and what is refused of it."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.placement.codec import (
    FIELDS,
    decode,
    decode_request,
    decode_response,
    encode,
    encode_response,
)
from appserver.core.placement.values import (
    ClusterInfo,
    Container,
    Engine,
    EngineSnapshot,
    Event,
    Image,
    Port,
    RestartPolicy,
    parse_image_name,
)
from appserver.errors import Invalid

SEED = {"image": "crosbymichael/redis", "cpus": "0.2", "memory": 512, "type": "service"}
ANSWER = {
    "container": {"image": "crosbymichael/redis", "cpus": "0.2", "memory": 512, "type": "service"},
    "resource": {"id": "12345abc", "addr": "192.168.56.8:4243", "total_cpus": 8, "total_memory": 32000},
}
WHOLE = {
    "name": "registry:5000/team/app:2",
    "cpus": 0.5,
    "cpuset": "0,1",
    "memory": 256,
    "entrypoint": ["/bin/app"],
    "environment": {"A": "b\n"},
    "hostname": "h",
    "domain": "d",
    "args": ["-x"],
    "type": "multi",
    "labels": ["ssd"],
    "bind_ports": [{"proto": "tcp", "host_ip": "10.0.0.1", "port": 80, "container_port": 8080}],
    "user_data": {"k": ["v"]},
    "volumes": ["/h:/c:ro"],
    "links": {"db": "database"},
    "restart_policy": {"name": "on-failure", "maximum_retry": 3},
    "publish": True,
    "network_mode": "bridge",
    "container_name": "app",
    "privileged": True,
}


def test_the_seed_s_request_and_answer_are_these_to_the_letter() -> None:
    """Amounts as texts or as numbers; what was sent comes back as it was sent."""
    assert decode_request(SEED) == Image("crosbymichael/redis", 0.2, memory=512.0, type="service")
    engine = Engine("12345abc", "192.168.56.8:4243", 8, 32000)
    assert json.dumps(encode_response(SEED, engine)) == json.dumps(ANSWER)
    assert decode_response(ANSWER) == (decode_request(SEED), engine)


def test_an_image_has_every_field_of_citadel_s_in_its_order() -> None:
    """What Go's struct says, through and back."""
    assert json.dumps(encode(decode(Image, WHOLE))) == json.dumps(WHOLE)


@pytest.mark.parametrize(
    ("sent", "cpus", "memory"),
    [
        ({"cpus": 2, "memory": "512"}, 2.0, 512.0),
        ({"cpus": "2.5", "memory": "1.5G"}, 2.5, 1536.0),
        ({"memory": 0.5}, 0.0, 0.5),
        ({"cpus": None, "memory": None}, 0.0, 0.0),
    ],
)
def test_amounts_are_numbers_or_texts(sent: dict[str, object], cpus: float, memory: float) -> None:
    """Memory is in MB where it names no unit."""
    found = decode_request({"name": "web", **sent})
    assert (found.cpus, found.memory) == (cpus, memory)


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ([], ""), ("web", ""), (None, ""), ({}, "name"), ({"name": ""}, "name"),
        ({"image": "web", "name": "web"}, "image"), ({"image": 1}, "name"),
        ({"image": "--help"}, "name"), ({"image": "a b"}, "name"), ({"image": "file:"}, "name"),
        ({"image": "../x"}, "name"), ({"image": "a\x00"}, "name"), ({"image": "web;id"}, "name"),
        ({"image": "$(id)"}, "name"), ({"image": "web\n"}, "name"), ({"image": "w" * 600}, "name"),
        ({"image": "web", "cpu": 1}, "cpu"), ({"image": "web", "__proto__": 1}, "__proto__"),
        ({"image": "web", "cpus": -1}, "cpus"), ({"image": "web", "cpus": "many"}, "cpus"),
        ({"image": "web", "cpus": "nan"}, "cpus"), ({"image": "web", "cpus": float("inf")}, "cpus"),
        ({"image": "web", "cpus": True}, "cpus"), ({"image": "web", "cpus": "1e400"}, "cpus"),
        ({"image": "web", "memory": "512X"}, "memory"), ({"image": "web", "memory": [1]}, "memory"),
        ({"image": "web", "memory": 2**41}, "memory"), ({"image": "web", "publish": "yes"}, "publish"),
        ({"image": "web", "labels": "ssd"}, "labels"), ({"image": "web", "labels": ["a", 1]}, "labels/1"),
        ({"image": "web", "labels": ["a"] * 2000}, "labels"), ({"image": "web", "links": ["a"]}, "links"),
        ({"image": "web", "environment": {"A": 1}}, "environment/A"),
        ({"image": "web", "bind_ports": [{"port": 65536}]}, "bind_ports/0/port"),
        ({"image": "web", "bind_ports": [{"port": "80"}]}, "bind_ports/0/port"),
        ({"image": "web", "bind_ports": [{"proto": "icmp"}]}, "bind_ports/0/proto"),
        ({"image": "web", "bind_ports": [{"host_ip": "localhost"}]}, "bind_ports/0/host_ip"),
        ({"image": "web", "bind_ports": [{"host": "::1"}]}, "bind_ports/0/host"),
        ({"image": "web", "restart_policy": {"name": "sometimes"}}, "restart_policy/name"),
        ({"image": "web", "restart_policy": {"maximum_retry": -1}}, "restart_policy/maximum_retry"),
        ({"image": "web", "container_name": "../x"}, "container_name"), ({"image": "web", "type": "a\nb"}, "type"),
        ({"image": "web", "resources": {"gpus": 1.5}}, "resources/gpus"),
        ({"image": "web", "resources": {"gpus": -1}}, "resources/gpus"),
        ({"image": "web", "args": ["x" * 5000]}, "args/0"),
    ],
)  # fmt: skip
def test_what_is_not_a_request_is_refused_with_its_place(sent: object, where: str) -> None:
    """Never a guess, and never a traceback: the path of the value, and why."""
    with pytest.raises(Invalid) as refused:
        decode_request(sent)
    assert refused.value.where == where and refused.value.why


def test_a_slip_of_the_pen_is_named() -> None:
    """The nearest name that there is."""
    with pytest.raises(Invalid, match="did you mean memory"):
        decode_request({"image": "web", "memroy": 1})


@pytest.mark.parametrize("sent", [{}, {"container": SEED}, {"container": SEED, "resource": []}, [], {"resource": {}}])
def test_what_is_not_an_answer_is_refused(sent: object) -> None:
    """Clients of ours read answers as strictly."""
    with pytest.raises(Invalid):
        decode_response(sent)


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_has_its_json(kind: type) -> None:
    """A field that is added to a value is added to its JSON."""
    assert list(FIELDS[kind]) == [field.name for field in fields(kind)]


texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=8)
amounts = st.one_of(st.integers(0, 2**20).map(float), st.floats(0, 2**20))
counts = st.integers(0, 2**31)
ports = st.builds(
    Port,
    st.sampled_from(["", "tcp", "udp"]),
    st.sampled_from(["", "::1", "10.0.0.1"]),
    st.integers(0, 65535),
    st.integers(0, 65535),
)
images = st.builds(
    Image,
    name=st.sampled_from(["redis", "host:5000/ns/img:tag"]),
    cpus=amounts,
    memory=amounts,
    environment=st.dictionaries(texts, texts, max_size=2),
    args=st.lists(texts, max_size=2).map(tuple),
    labels=st.lists(texts, max_size=2).map(tuple),
    bind_ports=st.lists(ports, max_size=2).map(tuple),
    user_data=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2),
    restart_policy=st.builds(RestartPolicy, st.sampled_from(["", "always"]), counts),
    publish=st.booleans(),
    resources=st.dictionaries(texts, st.integers(0, 2**40), max_size=2),
)
engines = st.builds(Engine, texts, texts, amounts, amounts, st.lists(texts, max_size=2).map(tuple)).filter(
    lambda engine: engine != Engine()  # is there, as Go's pointers are, and has nothing to tell
)
containers = st.builds(
    Container,
    texts,
    st.just("web"),
    st.none() | images,
    st.none() | engines,
    st.sampled_from(["", "running", "stopped"]),
    st.lists(ports, max_size=1).map(tuple),
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
values = st.one_of(
    images,
    engines,
    containers,
    st.builds(EngineSnapshot, texts, *[amounts] * 6),
    st.builds(ClusterInfo, amounts, amounts, counts, counts, counts, amounts, amounts),
    st.builds(Event, texts, st.none() | containers, st.none() | engines, st.none() | moments),
)


@settings(deadline=None)
@given(values)
def test_every_value_comes_back_from_its_json(value) -> None:  # type: ignore[no-untyped-def]
    """Through text, with nothing lost and nothing that is empty written."""
    sent = json.loads(json.dumps(encode(value)))
    assert decode(type(value), sent) == value
    assert not any(one in ("", 0, False, [], {}, None) for one in sent.values())


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("redis", "redis:latest"),
        ("redis:7", "redis:7"),
        ("ns/redis", "ns/redis:latest"),
        ("host:5000/ns/img", "host:5000/ns/img:latest"),
        ("host:5000/ns/img:tag", "host:5000/ns/img:tag"),
    ],
)
def test_an_image_s_tag_comes_after_the_last_slash(text: str, whole: str) -> None:
    """A registry's port is no tag, and whoever names none means latest."""
    assert str(parse_image_name(text)) == whole
