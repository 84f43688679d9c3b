"""B5, YAML that is not what it seems: bombs, cycles, doubles, bytes that are no text, scalars that mean two things."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from image_config import ConfigError, Repository, Target, yaml_safe
from tests.bad_input.doors import LONGEST_S, Bad, Doors, is_refusal
from tests.lab.served import Site

MIB = 1 << 20
WEB = "services:\n  web:\n    image: bb:1\n"

BOMB = "x-a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"x-{one}: &{one} [{','.join([f'*{before}'] * 10)}]\n" for before, one in zip("abcdefgh", "bcdefghi", strict=True)
)
MAP_BOMB = "x-a: &a {k: v}\n" + "".join(
    f"x-{one}: &{one} {{{', '.join(f'k{n}: *{before}' for n in range(10))}}}\n"
    for before, one in zip("abcdefgh", "bcdefghi", strict=True)
)
NO_YAML = {
    "alias bomb": BOMB,
    "alias bomb of mappings": MAP_BOMB,
    "alias of itself": "x-a: &a [*a]\n",
    "merge key of itself": "x-a: &a\n  <<: *a\n  b: c\n",
    "merge keys in a circle": "x-a: &a\n  b: &b\n    <<: *a\n",
    "unknown alias": "x-a: *nowhere\n",
    "ten thousand deep": "x-a: " + "[" * 10_000 + "]" * 10_000 + "\n",
    "ten thousand mappings deep": "x-a: " + "{a: " * 10_000 + "}" * 10_000 + "\n",
    "a key twice": "x-a: 1\nx-a: 2\n",
    "NUL": "x-a: a\0b\n",
    "tab": "x-a:\n\tb: c\n",
    "not closed": "x-a: {b: [c\n",
    "control character": "x-a: \x07\n",
}
"""Refused in a compose file and in container configuration alike."""
REFUSED_CONFIGURATION = {
    **{name: text.replace("x-a:", "environment:") for name, text in NO_YAML.items()},
    "object": "environment: !!python/object:os.system {args: [id]}\n",
    "object by name": "environment: {A: !!python/name:os.system ''}\n",
    "object to be applied": "environment: !!python/object/apply:os.system ['id']\n",
    "binary": "environment: {A: !!binary aWQ=}\n",
    "byte order mark": "\ufeffmem_limit: 1G\n",
    "not a number": "cpus: .nan\n",
    "without end": "cpus: .inf\n",
    "octal where a size is": "mem_limit: 0x\n",
    "a list for a key": "? [a, b]\n: c\n",
    "a mapping for a size": "mem_limit: {a: b}\n",
    "two documents": "mem_limit: 1G\n---\nmem_limit: 2G\n",
    "too long": "#" * MIB + "\n",
    "endless number": "cpus: 1" + "0" * 5000 + "\n",
}
DEEP_CIRCLE = {f"f{n}.yml": f"include: [f{n + 1}.yml]\n" for n in range(200)} | {"f200.yml": "include: [f0.yml]\n"}
"""Two hundred files, and around again."""


@pytest.mark.parametrize("text", NO_YAML.values(), ids=NO_YAML.keys())
def test_a_compose_file_that_is_a_trap_is_refused(doors: Doors, text: str) -> None:
    """At every door, in seconds."""
    doors.refused(Bad(WEB + text))


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"compose.yaml": "include: [compose.yaml]\n" + WEB}, "cycle"),
        ({"compose.yaml": "include: [b.yaml]\n", "b.yaml": "include: [compose.yaml]\n" + WEB}, "cycle"),
        ({"compose.yaml": "services:\n  a: {extends: b}\n  b: {extends: a}\n"}, "ircular"),
        (
            {
                "compose.yaml": "services:\n  a: {extends: {file: b.yaml, service: a}}\n",
                "b.yaml": "services:\n  a: {extends: {file: compose.yaml, service: a}}\n",
            },
            "ircular",
        ),
        ({"compose.yaml": "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n"}, "cycle"),
    ],
    ids=["include of itself", "include in a circle", "extends in a circle", "extends over files", "depends_on"],
)
def test_a_project_that_goes_in_circles_is_refused(doors: Doors, files: dict[str, str], word: str) -> None:
    """Compose says so, in its words."""
    rest = {path: text for path, text in files.items() if path != "compose.yaml"}
    doors.refused(Bad(files["compose.yaml"], rest), word)


def test_ten_thousand_services_are_refused(doors: Doors) -> None:
    """Before a plan of them is made."""
    doors.refused(Bad("services:\n" + "".join(f"  s{n}: {{image: x}}\n" for n in range(10_000))), by=("deploy",))


def test_a_hundred_megabytes_are_refused(doors: Doors, site: Site) -> None:
    """Before they are parsed: by the request's size, by a file's."""
    doors.refused(Bad(WEB + "#" * (2 * MIB)))
    huge = json.dumps({"name": "shop", "compose": "#" * (100 * MIB)})
    said = site.api("POST", "/applications", doors.token, data=huge, headers={"Content-Type": "application/json"})
    assert said.status_code == 413


def test_bytes_that_are_no_text_are_refused(doors: Doors, site: Site, tmp_path: Path) -> None:
    """In a body of JSON, and in a file that the command line is to send."""
    raw = b'{"name": "shop", "compose": "services: \xff"}'
    said = site.api("POST", "/applications", doors.token, data=raw, headers={"Content-Type": "application/json"})
    assert 400 <= said.status_code < 500
    assert is_refusal(doors.deploy(Bad("services: \ud800\n")))
    file = tmp_path / "project" / "latin.yaml"
    file.write_bytes(b"services:\n  web:\n    image: \xe9\n")
    told = doors.run("app", "deploy", "shop", "-f", str(file), "--yes")
    assert (told.status, "latin.yaml:3: is not UTF-8 text" in told.text) == (2, True), told


@pytest.mark.parametrize("value", [BOMB[5:], "!!python/object:os.system {}", "[" * 10_000, "&a [*a]", "{a: 1, a: 2}"])
def test_a_field_of_the_form_is_no_way_in(doors: Doors, value: str) -> None:
    """Values of overrides are YAML too."""
    said = doors.page(Bad(WEB, overrides={"web": {"labels": value}}))
    assert is_refusal(said)


@pytest.mark.parametrize("text", REFUSED_CONFIGURATION.values(), ids=REFUSED_CONFIGURATION.keys())
def test_configuration_that_is_a_trap_is_a_fault_with_its_file(
    doors: Doors, site: Site, tmp_path: Path, text: str
) -> None:
    """In the library, over the API and on the command line: the same fault, in bounded time."""
    begun = time.monotonic()
    (fault, *_) = Repository({"web.yml": text}).faults()
    assert fault.file == "web.yml"
    with pytest.raises(ConfigError):
        Repository({"web.yml": text}).layers(Target("web"))
    answer = site.api("POST", "/config/lint", doors.token, json={"files": {"web.yml": text}})
    if len(text) <= MIB:
        assert answer.status_code == 200, answer.text
        assert fault.why[:100] in answer.json()["items"][0]["why"]
    (tmp_path / "web.yml").write_bytes(text.encode())
    said = doors.run("config", "lint", str(tmp_path))
    assert (said.status, "web.yml" in said.text, "Traceback" in said.text) == (2, True, False), said
    assert time.monotonic() - begun < LONGEST_S


@pytest.mark.parametrize(
    "files",
    [
        {"web.yml": "include: [web.yml]"},
        {"web.yml": "include: [f0.yml]", **DEEP_CIRCLE},
        {"web.yml": "include: [../x.yml]"},
    ],
    ids=["itself", "two hundred and around", "out of the repository"],
)
def test_includes_that_lead_nowhere_good_are_faults(doors: Doors, site: Site, files: dict[str, str]) -> None:
    """Told at the line, by the API as by the library."""
    assert Repository(files).faults()
    items = site.api("POST", "/config/lint", doors.token, json={"files": files}).json()["items"]
    assert any(item["key"] == "include/0" for item in items)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0777", 511), ("0o777", 511), ("on", "on"), ("off", "off"), ("no", "no"), ("yes", "yes"), ("y", "y"),
        ("22:22", "22:22"), ("1:30:00", "1:30:00"), ("NaN", "NaN"), ("Null", None), ("~", None), ("1_000", 1000),
        ("2026-11-21", "2026-11-21"), ("=", "="),
    ],
)  # fmt: skip
def test_a_scalar_that_could_mean_two_things_means_one(text: str, value: object) -> None:
    """What it means to Compose: no truth in `no`, no minutes in `22:22`, no date."""
    assert yaml_safe.load(f"a: {text}", "f") == {"a": value}


def test_ports_that_yaml_once_took_for_minutes_are_ports(doors: Doors, site: Site) -> None:
    """`- 2222:22` without quotes, in a compose file and in a configuration."""
    plan = site.api(
        "POST", "/applications/plan", doors.token, json={"name": "shop", "compose": WEB + "    ports: [2222:22]\n"}
    )
    assert plan.status_code == 200, plan.text
    assert 'published: "2222"' in plan.json()["diff"]
    (layer,) = Repository({"web.yml": "ports: [2222:22]"}).layers(Target("web"))
    assert [entry.path for entry in layer.entries] == [("ports", "22/tcp")]
