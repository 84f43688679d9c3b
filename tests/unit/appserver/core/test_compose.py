"""The effective project has one form: equal projects are equal bytes, and Compose reads them as they were meant."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from appserver.core import compose
from appserver.core.entities import AppKey

KEY = AppKey("default", "shop")


def project(**parts: object) -> dict[str, object]:
    return {"name": "shop", "services": {}, **parts}


def test_equal_projects_are_equal_bytes() -> None:
    """Order of names, absent values and our own labels do not matter."""
    one = compose.canonical(
        project(volumes={"b": {"name": "shop_b"}, "a": {"name": "shop_a"}}),
        KEY,
        {"web": {"image": "x", "command": None, "environment": {"B": "2", "A": "1"}}},
    )
    two = compose.canonical(
        project(volumes={"a": {"name": "shop_a"}, "b": {"name": "shop_b"}}),
        KEY,
        {"web": {"environment": {"A": "1", "B": "2"}, "image": "x", "labels": {compose.HASH: "old"}}},
    )
    assert compose.to_text(one) == compose.to_text(two)
    assert compose.digest(one) == compose.digest(two)


def test_a_null_environment_value_is_kept() -> None:
    """`FOO:` without a value means something to Compose; an absent option does not."""
    made = compose.canonical(
        project(), KEY, {"web": {"image": "x", "environment": {"FOO": None}, "networks": {"a": None}}}
    )
    assert compose.services(made)["web"]["environment"] == {"FOO": None}
    assert compose.services(made)["web"]["networks"] == {"a": None}


@pytest.mark.parametrize(
    "change",
    [
        {"image": "y"},
        {"environment": {"A": "2"}},
        {"configs": [{"source": "c"}]},
    ],
)
def test_the_hash_follows_what_a_container_is_made_of(change: dict[str, object]) -> None:
    """Any change of the definition gives the service another hash."""
    base: dict[str, object] = {"image": "x", "environment": {"A": "1"}}
    whole = project(configs={"c": {"content": "1"}})
    assert compose.service_hash(whole, base) != compose.service_hash(whole, {**base, **change})


def test_the_hash_takes_in_the_content_of_mounted_configs_and_secrets_only() -> None:
    """Compose itself does not see that; a container with old content would run on."""
    service = {"image": "x", "configs": [{"source": "c"}]}
    one, two = (project(configs={"c": {"content": text}, "d": {"content": text}}) for text in "12")
    assert compose.service_hash(one, service) != compose.service_hash(two, service)
    assert compose.service_hash(one, {"image": "x"}) == compose.service_hash(two, {"image": "x"})


@pytest.mark.parametrize(
    "word",
    ["yes", "off", "22:22", "0o14", "012", "1e3", "null", "~", "", "a: b", "#x", "- x", "0x1f", "true", "=", "<<"],
)
def test_a_string_stays_a_string(word: str) -> None:
    """What YAML could take for a number, a boolean or nothing is quoted."""
    text = compose.to_text({"name": word})
    assert '"' in text
    assert yaml.safe_load(text) == {"name": word}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t $"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz-_", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=6), json_values, max_size=5))
def test_the_text_reads_back_as_it_was(value: dict[str, object]) -> None:
    """No value is changed by being written."""
    assert json.dumps(yaml.safe_load(compose.to_text(value)), sort_keys=True) == json.dumps(value, sort_keys=True)


def test_a_claim_is_what_is_promised_else_the_limit() -> None:
    """Reservations win over limits, and a service that names neither reserves nothing."""
    assert compose.memory({"mem_limit": "100", "mem_reservation": "40"}) == 40
    assert compose.memory({"mem_limit": "100"}) == 100
    assert compose.memory({"deploy": {"resources": {"limits": {"memory": "7"}, "reservations": {"memory": "5"}}}}) == 5
    assert (compose.memory({}), compose.cpus({}), compose.replicas({})) == (0, 0.0, 1)
    assert compose.cpus({"cpus": 0.5}) == 0.5
    assert compose.replicas({"deploy": {"replicas": 0}}) == 0
    assert compose.replicas({"scale": 0}) == 0


@pytest.mark.parametrize(
    ("one", "three"),
    [
        ({"image": "x"}, {"image": "x", "scale": 3}),
        ({"image": "x", "deploy": {"replicas": 1}}, {"image": "x", "deploy": {"replicas": 3}}),
    ],
)
def test_the_number_of_copies_is_not_in_the_hash(one: dict[str, object], three: dict[str, object]) -> None:
    """A container is the same whatever the number of its siblings; the project is another."""
    few, many = (compose.canonical(project(), KEY, {"web": service}) for service in (one, three))
    assert compose.hashes(few) == compose.hashes(many)
    assert compose.digest(few) != compose.digest(many)


def test_one_copy_said_is_one_copy_unsaid() -> None:
    """Scaling to the number that runs makes no other project."""
    unsaid = compose.canonical(project(), KEY, {"web": {"image": "x"}})
    assert compose.canonical(project(), KEY, {"web": {"image": "x", "scale": 1}}) == unsaid


def test_a_diff_shows_no_secret_and_no_hash() -> None:
    """What a person reads holds neither."""
    before = compose.canonical(project(), KEY, {"web": {"image": "x", "environment": {"P": "sealed:v1:aaa"}}})
    after = compose.canonical(project(), KEY, {"web": {"image": "z", "environment": {"P": "sealed:v1:bbb"}}})
    told = compose.diff(before, after)
    assert "+    image: z" in told
    assert "sealed" not in told and compose.HASH not in told
