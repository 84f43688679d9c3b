"""Extra variables: what is taken, what is shown, and that no secret of them is in any text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.play_vars import check_vars, masking, shown_vars
from appserver.errors import InvalidMany


@pytest.mark.parametrize(
    "given",
    [{}, {"a": 1}, {"A_b": [1, 2.5, None, True, {"x": "y"}]}, {"text": "100 % {of} it"}, {"ansibles": "fine"}],
)
def test_data_is_taken(given: dict[str, object]):
    """Texts, numbers, lists and mappings under names of variables."""
    check_vars(given)


@pytest.mark.parametrize(
    "name",
    [
        *("ansible_host", "ansible_become_password", "ansible_python_interpreter", "ANSIBLE_connection"),
        *("ansible_ssh_common_args", "hostvars", "inventory_hostname", "environment", "vars"),
        *("", "1a", "a-b", "a b", "a.b", "--help", "a\n", "{{ x }}", "x" * 65, "é"),
    ],
)
def test_the_way_to_a_host_is_not_for_a_caller_to_say(name: str):
    """Nor what Ansible keeps for itself, nor what is no name."""
    with pytest.raises(InvalidMany):
        check_vars({name: "x"})


@pytest.mark.parametrize(
    "value",
    [
        *("{{ lookup('pipe', 'id') }}", "{% if x %}", "{# x #}", ["a", {"b": "{{ c }}"}], {"{{ x }}": 1}),
        *("a\0b", "\ud800", [[[[[[[[[[1]]]]]]]]]]),
    ],
)
def test_a_template_is_no_data(value: Any):
    """It would be worked out on the app server."""
    with pytest.raises(InvalidMany) as error:
        check_vars({"x": value})
    assert error.value.where == "extra_vars.x"
    assert "lookup" not in str(error.value)


def test_more_than_a_play_is_given_is_refused():
    """By its size; and a secret that is not among them."""
    with pytest.raises(InvalidMany, match="64 KiB"):
        check_vars({"x": "y" * 70_000})
    with pytest.raises(InvalidMany, match="'z' is not among"):
        check_vars({"x": 1}, ["z"])


def test_secrets_are_shown_to_nobody():
    """By their name at any depth, or because they were said to be secret."""
    given = {"user": "ann", "db": {"password": "hunter2", "port": 1}, "licence": ["A", "B"], "api_tokens": {"a": "b"}}
    assert shown_vars(given, ["licence"]) == {
        "user": "ann",
        "db": {"password": "***", "port": 1},
        "licence": "***",
        "api_tokens": "***",
    }


@given(st.text(min_size=4, max_size=40).filter(lambda text: text.strip() == text and text.isprintable()))
def test_no_way_of_writing_a_secret_shows_it(secret: str):
    """As it is, as JSON, as YAML quotes it; what is left does not hold it."""
    mask = masking({"password": secret})
    for text in (
        f"a {secret} b",
        json.dumps({"x": secret}),
        json.dumps({"x": secret}, ensure_ascii=False),
        yaml.safe_dump({"x": f"'{secret}"}, default_style="'", width=10_000, allow_unicode=True),
    ):
        shown = mask(text)
        assert "***" in shown
        assert secret not in shown or secret in "***"


def test_numbers_lines_and_lists_of_secrets_are_masked():
    """All below a secret's name, each line of a longer one."""
    mask = masking(
        {"tokens": [123456, {"deep": "abcdefgh"}], "key": "-----BEGIN-----\nMIIEvQIBADAN\n-----END-----"}, ["key"]
    )
    assert mask("123456 abcdefgh MIIEvQIBADAN") == "*** *** ***"
    assert masking({"user": "ann"})("ann") == "ann"
    assert masking({"password": "no"})("nothing") == "nothing"
