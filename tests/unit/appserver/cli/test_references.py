"""Which files a compose document refers to."""

from __future__ import annotations

import pytest

from appserver.cli.references import Reference, interpolated, references, variables
from image_config import yaml_safe


def paths(text: str, base: str = "") -> list[str]:
    return [found.path for found in references(yaml_safe.load(text, "compose.yaml"), base)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("services: {web: {env_file: a.env}}", ["a.env"]),
        ("services: {web: {env_file: [a.env, {path: ./b.env, required: false}]}}", ["a.env", "b.env"]),
        ("services: {web: {extends: {file: base/web.yml, service: web}}}", ["base/web.yml"]),
        ("services: {web: {extends: other}}", []),
        ("services: {web: {volumes: ['./nginx.conf:/etc/nginx.conf:ro', 'data:/data', '/abs:/abs']}}", ["nginx.conf"]),
        ("services: {web: {volumes: [{type: bind, source: ./x, target: /x}, {type: volume, source: ./y}]}}", ["x"]),
        ("services: {web: {credential_spec: {file: c.json}}}", ["c.json"]),
        ("configs: {a: {file: a.conf}, b: {content: x}}\nsecrets: {s: {file: ./s.txt}}", ["a.conf", "s.txt"]),
        ("include: [db/compose.yaml]", ["db/compose.yaml", "db/.env"]),
        ("include: [{path: [a/x.yml, a/y.yml], env_file: e.env}]", ["a/x.yml", "a/y.yml", "e.env"]),
        ("include: [{path: a/x.yml, project_directory: b}]", ["a/x.yml", "b/.env"]),
        ("services: {web: {env_file: /etc/passwd}}", ["/etc/passwd"]),
        ("services: {web: {env_file: ../up.env}}", ["../up.env"]),
    ],
)
def test_every_kind_of_reference_is_found(text: str, found: list[str]) -> None:
    """Paths relative to the project; what leads out of it is named as it stands, to be refused."""
    assert paths(text) == found


@pytest.mark.parametrize(
    "text", ["", "[]", "x", "services: []", "services: {web: null}", "services: {web: {env_file: 3}}"]
)
def test_what_is_no_project_refers_to_nothing(text: str) -> None:
    """That it is no project is for Compose to say."""
    assert paths(text) == []


def test_an_included_file_is_relative_to_its_own_directory() -> None:
    """As Compose has it."""
    assert paths("services: {db: {env_file: db.env}}", base="db") == ["db/db.env"]
    assert references({"include": ["db/c.yaml"]})[0] == Reference("db/c.yaml", "include/0", document=True, base="db")


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("a.env", "a.env"),
        ("${STAGE}.env", "dev.env"),
        ("$STAGE/x", "dev/x"),
        ("${NONE:-prod}.env", "prod.env"),
        ("${EMPTY:-prod}.env", "prod.env"),
        ("${EMPTY-prod}.env", ".env"),
        ("$$x", "$x"),
        ("${NONE}.env", None),
        ("${NONE:?say it}", None),
        ("${NONE:-${STAGE}}", None),
    ],
)
def test_variables_in_paths(path: str, result: str | None) -> None:
    """The plain forms are filled in from `.env`; what only Compose can tell is not guessed."""
    assert interpolated(path, {"STAGE": "dev", "EMPTY": ""}) == result


def test_the_env_file_is_read_as_far_as_paths_need_it() -> None:
    """Comments, quotes and `export` as Compose reads them."""
    text = "# no\nA=1\nexport B='two words'\nC=\"x\"  \nD=v # said\nBROKEN\n"
    assert variables(text) == {"A": "1", "B": "two words", "C": "x", "D": "v"}
