"""What of a tree would only be found when the first server is at that step."""

from __future__ import annotations

import pytest

from appserver.core.release_lint import examined
from appserver.errors import InvalidMany

STEP = "steps: [{name: a, playbook: a.yml, rollback: back.yml}]"
GOOD = "- hosts: localhost\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('- hosts: localhost\n  name: "^\\S"\n', "is not YAML: line 2"),
        ("hosts: localhost\n", "is no playbook: that is a list of plays, each with `hosts`"),
        ("- name: A play without hosts\n", "is no playbook: that is a list of plays, each with `hosts`"),
        (
            "- hosts: localhost\n  vars_prompt: [{name: really}]\n",
            "would prompt for really, and nobody is there to answer",
        ),
    ],
)
@pytest.mark.parametrize("path", ["a.yml", "back.yml"])
def test_a_playbook_that_cannot_be_played_is_a_fault(path: str, text: str, why: str) -> None:
    """Its own file is the place."""
    files = {"release.yml": STEP, "a.yml": GOOD, "back.yml": GOOD, path: text}
    with pytest.raises(InvalidMany) as refused:
        examined(files, "2026.11.22-1")
    assert refused.value.faults == ((path, why),)


def test_what_the_step_gives_is_not_asked_for() -> None:
    """Its own variables, and those that every step has."""
    step = "steps: [{name: a, playbook: a.yml, variables: {region: eu}}]"
    asks = "- hosts: localhost\n  vars_prompt: [{name: region}, {name: moorage_lrn}]\n"
    assert examined({"release.yml": step, "a.yml": asks}, "2026.11.22-1").steps


def test_settings_whose_names_are_like_those_of_secrets_are_none() -> None:
    said = "variables: {sshd: {PasswordAuthentication: false}, vault: {token_ttl: 3600, secrets: []}, password: ''}"
    step = f"steps: [{{name: a, playbook: a.yml, {said}}}]"
    assert examined({"release.yml": step, "a.yml": GOOD}, "2026.11.22-1").steps


def test_a_file_that_is_no_step_may_be_anything() -> None:
    files = {"release.yml": STEP, "a.yml": GOOD, "back.yml": GOOD, "tasks/more.yml": "{{"}
    assert [step.playbook for step in examined(files, "2026.11.22-1").steps] == ["a.yml"]
