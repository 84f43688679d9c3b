"""image_config beside the real Docker Compose: what it writes Compose takes, what both read means the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from image_config import Layer, compose_lines, from_compose, from_overrides, resolve, yaml_safe
from image_config.options import OPTIONS
from tests.unit.image_config.say import form, git
from tests.unit.image_config.test_options import SAMPLES

NEWER = {"gpus", "label_file", "models", "post_start", "pre_start", "pre_stop", "provider", "pull_refresh_after"} | {
    "umask",
    "use_api_socket",
}
"""Options of compose-spec that came after Compose 2.26, the oldest that is supported."""

TOP = {
    "networks": {"a": {}, "b": {}, "back": {}},
    "volumes": {"d": {}, "data": {}},
    "configs": {"c": {"content": "x"}, "c2": {"content": "x"}},
    "secrets": {"s": {"environment": "S"}},
}


def rendered(project: Mapping[str, object], directory: Path, form_: str = "yaml") -> Mapping[str, object]:
    """What `docker compose config` makes of a project."""
    file = directory / "compose.yaml"
    file.write_text(json.dumps(project))
    return rendered_file(file, form_)


def rendered_file(file: Path, form_: str = "yaml") -> Mapping[str, object]:
    done = subprocess.run(
        ["docker", "compose", "-f", str(file), "config", "--format", form_],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(file.parent), "S": "secret"},
    )
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout) if form_ == "json" else yaml_safe.load(done.stdout, "config")
    assert isinstance(value, dict)
    return value


def project(service: Mapping[str, object]) -> dict[str, object]:
    others = {"db": {"image": "db", "healthcheck": {"test": ["NONE"]}}, "redis": {"image": "r"}}
    return {"name": "probe", "services": {"web": {"image": "web", **service}, **others}, **TOP}


def service_of(rendering: Mapping[str, object]) -> Mapping[str, object]:
    return rendering["services"]["web"]  # type: ignore[index,return-value]  # a project


def effective(*layers: Layer) -> dict[str, object]:
    return resolve(layers).to_compose()


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - NEWER - {"build", "develop", "env_file", "extends", "profiles"}))
def test_compose_takes_what_we_write_and_prints_it_again(name, tmp_path):
    """Each option, from a form: Compose accepts it, and its own rendering of it changes nothing."""
    ours = effective(form(**{name: SAMPLES[name]}))
    theirs = rendered(project(ours), tmp_path)
    again = effective(from_compose(service_of(theirs)))
    assert again.get(name) == ours.get(name)


@pytest.mark.parametrize("form_", ["yaml", "json"])
def test_a_rendered_service_survives_the_layers_and_compose(form_, tmp_path):
    """Render, resolve, render again: the second rendering is the first, in both of Compose's formats."""
    text = (Path(__file__).parents[1] / "data" / "everything.compose.yaml").read_text()
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    first = rendered_file(file, form_)
    services = {name: effective(from_compose(service)) for name, service in first["services"].items()}  # type: ignore[attr-defined]
    second = rendered({**first, "services": services}, tmp_path, form_)
    assert second == first


def test_compose_finds_no_change_in_what_came_through(tmp_path):
    """The configuration hash, by which Compose decides to recreate, is the same before and after."""
    text = (Path(__file__).parents[1] / "data" / "everything.compose.yaml").read_text()
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    first = rendered_file(file)
    services = {name: effective(from_compose(service)) for name, service in first["services"].items()}  # type: ignore[attr-defined]
    assert hashes(first, tmp_path) == hashes({**first, "services": services}, tmp_path)


def hashes(given: Mapping[str, object], directory: Path) -> str:
    file = directory / "hashed.yaml"
    file.write_text(json.dumps(given).replace('"memswap_limit": "-1"', '"memswap_limit": -1'))
    return subprocess.run(
        ["docker", "compose", "-f", str(file), "config", "--hash", "*"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory), "S": "secret"},
    ).stdout


SCALARS = """012 0o14 1e3 1.10 yes no on off y n true True FALSE 22:22 1:30 0x1F 0b11 1_000 +12 -0 0.0 1e25 0.00001 .5
1. 12345678901234567890 08 0777 '012' "no" x 1.2.3 0x -.5 1e-7 100000000000000000000 123456789.123 1e20 1e21""".split()  # noqa: SIM905


def test_scalars_mean_what_they_mean_to_compose(tmp_path):
    """Each as an environment variable: our text of it is Compose's."""
    lines = "".join(f"      V{n}: {scalar}\n" for n, scalar in enumerate(SCALARS))
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  web:\n    image: x\n    environment:\n{lines}")
    theirs = service_of(rendered_file(file, "json"))["environment"]
    ours = resolve([git("environment:\n" + lines.replace("      ", "  "))]).values["environment"]
    told = {SCALARS[int(name[1:])]: value for name, value in ours.items()}  # type: ignore[attr-defined]
    assert told == {SCALARS[int(name[1:])]: value for name, value in theirs.items()}  # type: ignore[attr-defined]


def test_a_dollar_means_itself_after_compose_has_read_it(tmp_path):
    """Interpolation does not touch the value of any layer."""
    values = {"environment": {"A": "$HOME ${S} $$x"}, "command": ["echo", "$S"], "labels": {"l": "${S:-d}"}}
    layer = from_overrides(values, user="alice", at="")
    theirs = service_of(rendered(project(effective(layer)), tmp_path))
    assert resolve([from_compose(theirs)]).values == {
        **resolve([layer]).values,
        "image": "web",
        "networks": {"default": None},
    }


def test_overrides_of_what_compose_would_refuse_together(tmp_path):
    """Exclusive options and twins come out in a form that Compose takes."""
    base = project({"deploy": {"resources": {"limits": {"memory": "50M", "cpus": "0.5"}}}, "networks": ["back"]})
    theirs = from_compose(service_of(rendered(base, tmp_path)))
    ours = form(memory="512M", cpus=1, network="host", restart="always")
    taken = service_of(rendered(project(effective(theirs, ours)), tmp_path))
    assert taken["network_mode"] == "host"
    assert taken["deploy"]["resources"]["limits"] == {"memory": "536870912", "cpus": 1}  # type: ignore[index]


OTHERWISE = {
    "mem_limit": ("memory",),
    "mem_reservation": ("memory",),
    "scale": ("replicas",),
    "pids_limit": ("pids",),
    "5001": ("5000-5002",),
}
"""What the author wrote for it, where that is not its name."""


def test_lines_are_found_for_what_compose_rendered(tmp_path):
    """Every option of the author's text has its line, but what Compose added has none."""
    text = (Path(__file__).parents[1] / "data" / "everything.compose.yaml").read_text()
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    lines = compose_lines(text, "compose.yaml")
    where = {option: at for (service, option), at in lines.items() if service == "web"}
    layer = from_compose(service_of(rendered_file(file)), where=where)
    written = text.splitlines()
    for entry in layer.entries:
        assert entry.source.line, entry.path
        line = written[entry.source.line - 1]
        name = entry.path[-1].partition("/")[0]  # of a port, its number
        assert any(part in line for part in (*entry.path, name, *OTHERWISE.get(name, ()))), entry.path
