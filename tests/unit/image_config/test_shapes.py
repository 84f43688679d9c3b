"""Records and maps: known fields, free names, and how they meet."""

import pytest

from tests.unit.image_config.say import compose, faults, form, git, service


def test_fields_meet_one_by_one():
    """A stronger interval leaves the weaker test alone."""
    weak = git("healthcheck: {test: curl x, interval: 30s}")
    assert service(weak, form(healthcheck={"interval": "1m"}))["healthcheck"] == {
        "test": ["CMD-SHELL", "curl x"],
        "interval": "1m0s",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("healthcheck: {intervall: 30s}", "web.yml:1: healthcheck/intervall: unknown key; did you mean interval?"),
        ("healthcheck: 5", "healthcheck: takes a mapping of test, interval"),
        ("deploy: {resources: {limit: {cpus: 1}}}", "deploy/resources/limit: unknown key; did you mean limits?"),
        ("healthcheck: {interval: }", "healthcheck/interval: has no value"),
        ("labels: 5", "labels: takes a map"),
        ("labels: {'': x}", "a name is missing"),
        ("labels: {a: [1]}", "labels/a: takes one value"),
        ("labels: [[a]]", "labels/0: takes one value"),
        ("logging: {options: [a=b]}", "takes a map of text"),
        ("labels: [a=1, a=2]", "labels/a: gives labels/a a second time"),
        ("dns: {a: b}", "dns: takes a list"),
        ("cap_add: [A, A]", "gives cap_add/A a second time"),
    ],
)
def test_faults_name_the_field(text, why):
    """With the nearest known field."""
    assert why in faults(text)[0]


def test_nothing_where_a_map_or_list_could_be_says_nothing():
    """`environment:` with everything under it commented out is no fault."""
    assert service(git("environment:\nlabels:\nports:\nhealthcheck:\nvolumes:\nnetworks:\nmem_limit: 1g\n")) == {
        "mem_limit": "1073741824"
    }


def test_a_bare_label_is_empty():
    """As in Compose."""
    assert service(git("labels: [a, b=1]"))["labels"] == {"a": "", "b": "1"}
    assert service(git("labels: {a: , b: 1.10}"))["labels"] == {"a": "", "b": "1.1"}


def test_an_empty_mapping_stays_one():
    """`deploy: {}` and `logging: {}` come from Compose and go back to it."""
    given = {"deploy": {}, "labels": {}, "healthcheck": {}, "environment": {}}
    assert service(compose(**given)) == given


def test_extensions_are_let_through_in_records():
    """`x-…` inside a record is the author's own."""
    assert service(git("deploy: {x-a: {b: 1}, mode: global}"))["deploy"] == {"mode": "global", "x-a": {"b": 1}}


def test_names_come_out_sorted():
    """Equal inputs give equal bytes, whatever order they were written in."""
    one, two = git("labels: {b: 1, a: 2}\nmem_limit: 1g\ncpus: 1"), git("cpus: 1\nmem_limit: 1g\nlabels: {a: 2, b: 1}")
    assert str(service(one)) == str(service(two))


def test_lists_unite_in_order():
    """Weaker items first; what both name stands once."""
    assert service(git("dns: [a, b]"), form(dns=["c", "a"]))["dns"] == ["a", "b", "c"]


def test_hooks_and_other_trees_unite_by_what_they_are():
    """An equal hook counts once."""
    hook = {"command": ["echo", "$x"], "user": "root"}
    assert service(git("post_start: [{user: root, command: [echo, $x]}]"), form(post_start=[hook, {"command": ["b"]}]))[
        "post_start"
    ] == [{"command": ["echo", "$$x"], "user": "root"}, {"command": ["b"]}]
