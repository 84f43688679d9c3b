"""Variables by name; constraints kept apart."""

import pytest

from image_config import resolve
from tests.unit.image_config.say import compose, faults, form, git, service


def test_map_and_list_are_one():
    """Values are what Compose would make of them."""
    assert service(git("environment: {A: 1, B: yes, C: 1e3, D: '', E: true}"))["environment"] == {
        "A": "1",
        "B": "yes",
        "C": "1000",
        "D": "",
        "E": "true",
    }
    assert service(git("env: [A=1, B=a=b, C=]"))["environment"] == {"A": "1", "B": "a=b", "C": ""}


def test_the_stronger_wins_by_name():
    """Unlike in Haven, where the first word counted."""
    assert service(git("env: [A=1, B=2]"), form(environment={"B": "3"}))["environment"] == {"A": "1", "B": "3"}


@pytest.mark.parametrize("text", ["environment: [FOO]", "environment: {FOO: }", "env:\n- FOO"])
def test_a_variable_without_a_value_is_refused(text):
    """Compose would fill it from the machine it runs on: there it is somebody else's secret."""
    assert "take it from the machine" in faults(text)[0]


def test_a_variable_that_compose_left_without_a_value_stays():
    """Nothing that Compose rendered is lost."""
    assert service(compose(environment={"A": None, "B": "x"}))["environment"] == {"A": None, "B": "x"}


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("environment: ['constraint:storage==ssd']", ("storage==ssd",)),
        ("environment: ['constraint:storage==~ssd']", ("storage==~ssd",)),
        ("environment: ['constraint:zone!=a', 'constraint:zone!=b']", ("zone!=a", "zone!=b")),
        ("environment: ['constraint:name=~^db[0-9]+$']", ("name=~^db[0-9]+$",)),
        ("environment: {'constraint:storage': '=ssd'}", ("storage==ssd",)),
        ("environment: {'constraint:storage': '=~ssd'}", ("storage==~ssd",)),
        ("environment: {'constraint:storage': '==ssd'}", ("storage==ssd",)),
        ("environment: {'constraint:zone!': 'a'}", ("zone!=a",)),
        ("node: n1", ("node==n1",)),
    ],
)
def test_constraints_leave_the_environment(text, expressions):
    """As Haven and stand-alone Swarm wrote them; as Compose cuts them at their first `=`."""
    resolved = resolve([git(text)])
    assert resolved.constraints == expressions
    assert "environment" not in resolved.to_compose()
    assert not resolved.values.get("environment")


def test_affinities_likewise():
    """Kept apart from constraints."""
    resolved = resolve([git("env: ['affinity:container==~front', A=1]")])
    assert (resolved.affinities, resolved.constraints) == (("container==~front",), ())
    assert resolved.to_compose()["environment"] == {"A": "1"}


def test_what_docker_compose_rendered_gives_its_constraints():
    """A list entry of the compose file comes as a name and a value."""
    assert resolve([compose(environment={"constraint:storage": "=~ssd"})]).constraints == ("storage==~ssd",)


def test_a_stronger_constraint_replaces_one_of_the_same_label():
    """Two demands on one label could never both be met; what must not be adds up."""
    weak = git("env: ['constraint:disk==hdd', 'constraint:zone!=a']")
    strong = form(environment=["constraint:disk==ssd", "constraint:zone!=b"])
    assert resolve([weak, strong]).constraints == ("disk==ssd", "zone!=a", "zone!=b")


def test_a_constraint_can_be_taken_away():
    """By the name of the variable, or of Haven's key; the rest of the environment stays."""
    weak = git("node: n1\nenv: [A=1]")
    assert resolve([weak, form(node={"!reset": None})]).constraints == ()
    assert service(weak, form(node={"!reset": None}))["environment"] == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("env: ['constraint:storage']", "is not a constraint"),
        ("env: ['constraint:==x']", "is not a constraint"),
        ("env: ['constraint:a=b']", "is not a constraint"),
        ("env: {'constraint:a': [1]}", "takes one value"),
        ("env: {'constraint:a': !reset null}", "!reset is for"),
        ("env: {'': x}", "is not a variable's name"),
        ("env: ['=x']", "is not a variable's name"),
        ("env: {A=B: x}", "is not a variable's name"),
        ("env: {A: [1]}", "environment/A: takes one value"),
        ("env: 5", "takes a map"),
        ("env: [{A: 1}]", "takes one value"),
        ("node: [a]", "takes one value"),
        ("node: 'a\tb'", "is not a constraint"),
    ],
)
def test_faults(text, why):
    """Each names the entry."""
    assert why in faults(text.replace("env:", "environment:"))[0]
