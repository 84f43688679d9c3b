"""B6, interpolation: a variable gives a value and never structure; what cannot be filled in is told by its place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.bad_input.doors import Bad, Doors
from tests.lab.served import Site

WEB = "services:\n  web:\n    image: bb:1\n    environment:\n      OUT: {}\n"


def planned(site: Site, compose: str, env: str = "") -> dict[str, Any]:
    """The project as the plan shows it, which is the whole of it where nothing is in force yet."""
    answer = site.api("POST", "/applications/plan", site.token(), json={"name": "shop", "compose": compose, "env": env})
    assert answer.status_code == 200, answer.text
    lines = answer.json()["diff"].splitlines()
    added = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]
    found: dict[str, Any] = yaml.safe_load("\n".join(added))
    return found


def out(site: Site, value: str, env: str = "") -> str:
    """What the container is told for a value, as Compose will read it once more: `$` doubled."""
    told: str = planned(site, WEB.format(value), env)["services"]["web"]["environment"]["OUT"]
    return told


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("${X?the reason}", "the reason"),
        ("${X:?the reason}", "the reason"),
        ("${A:-${B:-${X?the reason}}}", "the reason"),
        ("${X:+${}}", "invalid interpolation"),
        ('"${"', "invalid interpolation"),
        ('"${A"', "invalid interpolation"),
        ('"${A-b"', "invalid interpolation"),
        ('"${1A}"', "invalid interpolation"),
        ('"${A!b}"', "invalid interpolation"),
        ('"${HOME}"', "has no meaning on a node"),
        ('"${A B}"', "invalid interpolation"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_with_its_place(doors: Doors, value: str, why: str) -> None:
    """At every door: the service and the option, and why."""
    doors.refused(Bad(WEB.format(value)), why, "services.web.environment.OUT")


def test_a_depth_of_defaults_ends(site: Site, doors: Doors) -> None:
    """A thousand within one another are a value, or refused; never a wait."""
    deep = "".join(f"${{A{n}:-" for n in range(1000)) + "end" + "}" * 1000
    said = doors.plan(Bad(WEB.format(f'"{deep}"')))
    assert said.status in (200, 422)


@pytest.mark.parametrize(
    ("value", "env", "told"),
    [
        ("$${A}", "A=1", "$${A}"),
        ("$$$$", "", "$$$$"),
        ("${A}", "", ""),
        ("${A:-b}", "A=", "b"),
        ("${A-b}", "A=", ""),
        ("${A}", "A=${A}", ""),
        ("${A}", "A=${B}\nB=${A}", ""),
        ("${A}", "A='$(id) `id` ${HOME}'", "$$(id) `id` $${HOME}"),
        ("$(id)`id`", "", "$$(id)`id`"),
        ("${PATH}${DOCKER_HOST}${MOORAGE_TOKEN}", "", ""),
    ],
)  # fmt: skip
def test_what_a_variable_gives(site: Site, doors: Doors, value: str, env: str, told: str) -> None:
    """Compose's rules; of this host's environment nothing is known."""
    assert out(site, f'"{value}"', env) == told


@pytest.mark.parametrize(
    "env",
    [
        'A="x\\nprivileged: true"',
        "A='x\"\\n    privileged: true'",
        'A="x\', privileged: true"',
        "A='x}'",
        "A='x: y'",
        "A='x #'",
    ],
)
def test_a_value_never_becomes_structure(site: Site, doors: Doors, env: str) -> None:
    """A line's end, a quote or a colon in a value stays within it."""
    found = planned(site, WEB.format("${A}"), env)
    assert set(found["services"]) == {"web"}
    assert set(found["services"]["web"]) <= {"environment", "image", "labels", "networks"}
    assert found["services"]["web"]["environment"]["OUT"].startswith("x")


def test_a_variable_in_a_key_is_a_key(site: Site, doors: Doors) -> None:
    """Compose fills in values only."""
    found = planned(site, "services:\n  web:\n    image: bb:1\n    labels:\n      '${A}': b\n", "A=privileged")
    assert "privileged" not in str(found)


def test_configuration_is_not_interpolated(site: Site, doors: Doors) -> None:
    """What the form says reaches the container as it is written, `$` and all."""
    body = {
        "name": "shop",
        "compose": WEB.format("1"),
        "env": "A=leak",
        "overrides": {"web": {"environment": {"OUT": "${A}"}}},
    }
    answer = site.api("POST", "/applications/plan", doors.token, json=body)
    assert "$${A}" in answer.json()["diff"] and "leak" not in answer.text
