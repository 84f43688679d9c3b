"""Every variable of a role is said once, and its three places tell the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

COLLECTION = Path(__file__).parents[2] / "collections/ansible_collections/moorage/boot"
ROLES = sorted(path.name for path in (COLLECTION / "roles").iterdir() if path.is_dir())
WITHOUT = {"base": {"record"}, "record": {"install", "configure"}}
"""What a role has nothing to do in: one runs before there is a store to record in, one does nothing but that."""


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_argument_specs(role: str) -> None:
    """A default that people read in the specification is the one that holds."""
    said = {name: option["default"] for name, option in _options(role).items() if "default" in option}
    assert _read(role, "defaults/main.yml") == said


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_a_type_and_a_sentence(role: str) -> None:
    """Ansible checks the type, people read the sentence."""
    for name, option in _options(role).items():
        assert name.startswith(f"{role}_"), name
        assert option["type"], name
        assert option["description"].endswith("."), name


@pytest.mark.parametrize("role", ROLES)
def test_readme_lists_every_variable(role: str) -> None:
    """The README's table is the specification, in columns."""
    text = (COLLECTION / "roles" / role / "README.md").read_text()
    table = _table(role)
    assert table in text, f"the table of {role}/README.md is to be:\n{table}"


@pytest.mark.parametrize("role", ROLES)
def test_roles_have_one_shape(role: str) -> None:
    """Who knows one role finds their way in the others."""
    tasks = {"main", "preflight", "install", "configure", "record"} - WITHOUT.get(role, set())
    found = {path.stem for path in (COLLECTION / "roles" / role / "tasks").glob("*.yml")}
    assert found >= tasks
    assert (COLLECTION / "roles" / role / "meta/main.yml").is_file()


def test_who_moves_the_authority_is_told_every_variable() -> None:
    """In one place: a role that was forgotten would make a second authority."""
    names = {name for role in ROLES for name in _options(role) if name.endswith("_authority_dir")}
    howto = (COLLECTION.parents[3] / "docs/howto.md").read_text()
    assert {name for name in names if f"    {name}: " in howto} == names


@pytest.mark.parametrize("role", ROLES)
def test_values_of_a_list_of_choices_are_its_defaults_kind(role: str) -> None:
    """A default is one of the choices it is offered among."""
    for name, option in _options(role).items():
        assert option.get("default") in option.get("choices", [option.get("default")]), name


def _options(role: str) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = _read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


def _read(role: str, path: str) -> Any:
    return yaml.safe_load((COLLECTION / "roles" / role / path).read_text())


def _table(role: str) -> str:
    rows = ["| variable | type | default | what it is |", "|---|---|---|---|"]
    for name, option in _options(role).items():
        kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
        kind = " or ".join(f"`{choice}`" for choice in option["choices"]) if "choices" in option else kind
        rows.append(f"| `{name}` | {kind} | {_shown(option['default'])} | {option['description']} |")
    return "\n".join(rows) + "\n"


def _shown(value: Any) -> str:
    if value in ("", [], {}):
        return "empty"
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).removesuffix("...\n").strip()
    return f"`{text.strip(chr(39))}`".replace("|", "\\|")
