"""What Docker Compose makes of a project's files, in a sandbox that holds them and nothing else."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from appserver.adapters import compose_input
from appserver.adapters.compose import DockerCompose
from appserver.core.entities import ProjectFiles
from appserver.errors import ComposeError, Invalid


def project(text: str, env: str = "", profiles: tuple[str, ...] = (), **files: str) -> ProjectFiles:
    """One compose file, and others by their path with `__` for a dot and `_in_` for a slash."""
    named = {path.replace("__", ".").replace("_in_", "/"): content for path, content in files.items()}
    return ProjectFiles("shop", {"compose.yaml": text, **named}, env_file=env, profiles=profiles)


def services(compose: DockerCompose, files: ProjectFiles) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], compose.render(files)["services"])


def refused(compose: DockerCompose, files: ProjectFiles) -> Invalid:
    with pytest.raises(Invalid) as found:
        compose.render(files)
    return found.value


WEB = "services:\n  web:\n    image: bb:1\n"

FAMILY = ProjectFiles(
    "shop",
    {
        "compose.yaml": """
include: [parts/db.yaml]
x-common: &common
  restart: unless-stopped
  labels: {team: shop}
services:
  web:
    <<: *common
    extends: {file: base/web.yaml, service: base}
    environment: {GREETING: "${GREETING:-hello} you", PRICE: "5$$", EMPTY: "${UNSET-}"}
    ports: ["${PORT:?a port is needed}:80"]
    depends_on: [db]
  debug:
    image: bb:1
    profiles: [debug]
""",
        "override.yaml": "services:\n  web:\n    command: [httpd, -f]\n    labels: {extra: 'yes'}\n",
        "base/web.yaml": "services:\n  base:\n    image: bb:1\n    env_file: [web.env]\n    mem_limit: 64m\n",
        "base/web.env": "FROM_FILE=1\n",
        "parts/db.yaml": "services:\n  db:\n    image: db:${DB_TAG}\n    volumes: [data:/data]\nvolumes: {data: {}}\n",
    },
    ("compose.yaml", "override.yaml"),
    "PORT=8080\nDB_TAG=15\nGREETING='good day'\n",
    ("debug",),
)


def test_it_means_what_it_means_to_compose(compose: DockerCompose, compose_program: Any, tmp_path: Path):
    """Interpolation, extends, include, anchors, profiles, several files, .env: as the program says on a plain disk."""
    for path, text in {**FAMILY.files, ".env": FAMILY.env_file}.items():
        (tmp_path / "p" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / path).write_text(text)
    chosen = ("-p", "shop", "-f", "compose.yaml", "-f", "override.yaml", "--profile", "debug")
    argv = (compose_program.path, *chosen, "config", "--format", "json")
    done = subprocess.run(argv, cwd=tmp_path / "p", capture_output=True, check=True, env={"HOME": "/nonexistent"})
    assert compose.render(FAMILY) == json.loads(done.stdout)


def test_each_of_its_features_is_in_what_comes_out(compose: DockerCompose):
    """Lest the program and the adapter agree on nothing at all."""
    found = services(compose, FAMILY)
    assert sorted(found) == ["db", "debug", "web"]
    web = found["web"]
    assert web["environment"] == {"EMPTY": "", "FROM_FILE": "1", "GREETING": "good day you", "PRICE": "5$$"}
    assert (web["ports"][0]["published"], web["mem_limit"], web["restart"]) == ("8080", "67108864", "unless-stopped")
    assert (web["command"], web["labels"]) == (["httpd", "-f"], {"team": "shop", "extra": "yes"})
    assert (found["db"]["image"], list(web["depends_on"])) == ("db:15", ["db"])


def test_a_profile_that_was_not_chosen_is_left_out(compose: DockerCompose):
    """As Compose does; one that nobody has is no error either."""
    text = WEB + "  debug:\n    image: bb:1\n    profiles: [debug]\n"
    assert list(services(compose, project(text))) == ["web"]
    assert list(services(compose, project(text, profiles=("other",)))) == ["web"]
    assert list(services(compose, project(text, profiles=("debug",)))) == ["debug", "web"]


def test_equal_files_render_equally(compose: DockerCompose):
    """Wherever they stood: no path of the node, and nothing of the moment, is in what comes out."""
    first = json.dumps(compose.render(FAMILY), sort_keys=True)
    assert json.dumps(compose.render(FAMILY), sort_keys=True) == first
    assert "/d/d" not in first
    assert "shm" not in first


def test_files_travel_inside_the_project(compose: DockerCompose):
    """Configs, secrets and binds of the project's own files: what they hold, escaped as Compose's output is."""
    text = """
services:
  web:
    image: bb:1
    configs: [site]
    secrets: [word, pin]
    volumes: ["./site.conf:/etc/site.conf:ro", "./pages:/srv", "/var/log:/logs", "data:/data"]
configs: {site: {file: ./site.conf}}
secrets: {word: {file: ./word.txt}, pin: {environment: PIN}}
volumes: {data: {}}
"""
    files = ProjectFiles(
        "shop",
        {
            "compose.yaml": text,
            "site.conf": "cost $5\n",
            "word.txt": "xyzzy",
            "pages/a.html": "A",
            "pages/b/c.html": "C",
        },
        env_file="PIN=12$$34\n",
    )
    made = cast(Mapping[str, Any], compose.render(files))
    assert (made["configs"]["site"]["content"], made["configs"]["site"]["x-file"]) == ("cost $$5\n", "site.conf")
    assert made["secrets"]["word"]["content"] == "xyzzy"
    assert made["secrets"]["pin"]["content"] == "12$$34"
    web = made["services"]["web"]
    assert [v["target"] for v in web["volumes"]] == ["/logs", "/data"]
    bound = {c["target"]: made["configs"][c["source"]] for c in web["configs"] if "target" in c}
    assert bound["/etc/site.conf"]["content"] == "cost $$5\n"
    assert bound["/srv"]["x-files"] == {"a.html": "A", "b/c.html": "C"}


def test_of_a_project_in_its_own_directory_paths_stay(compose: DockerCompose):
    """One that runs on a node already is taken over with the very binds it has."""
    files = project(WEB + "    volumes: ['./data:/data']\n    env_file: [web.env]\n", web__env="A=1\n")
    made = cast(Mapping[str, Any], compose.render(files, "/srv/shop"))
    web = made["services"]["web"]
    assert (web["volumes"][0]["source"], web["environment"]) == ("/srv/shop/data", {"A": "1"})
    with pytest.raises(Invalid, match="not an absolute path"):
        compose.render(files, "/srv/../etc")


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("services:\n  web:\n    image: [\n", "compose.yaml:3", "did not find expected node content"),
        ("services:\n  web:\n    imagee: bb\n", "services.web", "Additional property imagee is not allowed"),
        (WEB + "    ports: ['x:y']\n", "compose.yaml", "Invalid containerPort: y"),
        (WEB + "    mem_limit: lots\n", "services.web.mem_limit", "invalid size"),
        (WEB + "    depends_on: [db]\n", "services.web", 'depends on undefined service "db"'),
        (WEB + "    command: $${x} ${\n", "services.web.command", "invalid interpolation"),
        (WEB + "    env_file: [no.env]\n", "env_file", "no.env is not among the project's files"),
        (WEB + "    networks: [back]\n", "services.web", "refers to undefined network back"),
        ("include: [no.yaml]\n" + WEB, "files", "no.yaml is not among the project's files"),
        (WEB + "    command: ${WORD:?say the word}\n", "services.web.command", "say the word"),
    ],
)
def test_what_compose_refuses_is_told_in_its_words(compose: DockerCompose, text: str, where: str, why: str):
    """With the place in the author's files; never with where they stood on this machine."""
    error = refused(compose, project(text))
    assert where in str(error)
    assert why in str(error)
    assert "/d/" not in str(error)


def test_a_secret_of_env_is_not_repeated_in_an_error(compose: DockerCompose):
    """Compose quotes what it could not read."""
    error = refused(compose, project(WEB + "    ports: ['${DB_PASSWORD}']\n", "DB_PASSWORD=sword:fish\n"))
    assert "sword" not in str(error)


@pytest.mark.parametrize("path", ["/etc/hostname", "../outside.env", "/proc/self/environ", "/dev/zero"])
def test_no_file_of_the_host_is_there_to_be_read(compose: DockerCompose, path: str):
    """Not by an env_file, an include, an extends; nor does a config or secret bring one along."""
    by = (
        WEB + f"    env_file: ['{path}']\n",
        f"include: ['{path}']\n{WEB}",
        f"services:\n  web:\n    extends: {{file: '{path}', service: x}}\n",
        WEB + f"    configs: [c]\nconfigs: {{c: {{file: '{path}'}}}}\n",
        WEB + f"    secrets: [s]\nsecrets: {{s: {{file: '{path}'}}}}\n",
    )
    for text in by:
        refused(compose, project(text))


def test_the_environment_of_this_program_is_not_there(compose: DockerCompose, monkeypatch: pytest.MonkeyPatch):
    """Neither to interpolation nor to a name without a value; HOME least of all."""
    monkeypatch.setenv("MOORAGE_SECRET", "swordfish")
    text = WEB + "    environment: [MOORAGE_SECRET, PATH]\n    command: 'x${MOORAGE_SECRET-}${PATH-}'\n"
    web = services(compose, project(text))["web"]
    assert web["environment"] == {"MOORAGE_SECRET": None, "PATH": None}
    assert web["command"] == ["x"]


def test_the_network_is_not_there(compose: DockerCompose):
    """An include by URL asks nobody: the port of a listener beside it is never knocked at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        for url in (f"http://{host}/x.git", f"oci://{host}/x", f"git://{host}/x.git"):
            refused(compose, project(f"include: ['{url}']\n{WEB}"))
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_project_that_takes_too_long_or_too_much_is_refused(compose: DockerCompose):
    """Aliases that multiply are refused before Compose sees them; a rendering that grows, when it passes its limit."""
    bomb = "x-a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"x-{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
    )
    began = time.monotonic()
    assert "stand for more than" in str(refused(compose, project(bomb + WEB)))
    env = "A=" + "x" * 500_000 + "\n"
    many = WEB + "    environment: {" + ", ".join(f"V{n}: '${{A}}'" for n in range(20)) + "}\n"
    assert "took more than" in str(refused(compose, project(many, env)))
    assert time.monotonic() - began < 10


def test_limits_on_files_are_told_with_the_file(compose: DockerCompose):
    """Size, number, names: before anything is written anywhere."""
    assert "big.yaml" in str(refused(compose, project(WEB, big__yaml="#" * (compose_input.FILE_LIMIT + 1))))
    crowd = ProjectFiles("shop", {"compose.yaml": WEB, **{f"f{n}": "" for n in range(compose_input.MOST_FILES)}})
    assert "501 files" in str(refused(compose, crowd))
    for path in ("../x", "/etc/x", "a//b", "-f", "a\nb"):
        assert "not a plain relative path" in str(
            refused(compose, ProjectFiles("shop", {"compose.yaml": WEB, path: ""}))
        )
    assert "is not among the files" in str(refused(compose, ProjectFiles("shop", {"x.yaml": WEB})))


def test_nothing_stays_on_disk(compose: DockerCompose, tmp_path: Path):
    """Neither after a rendering nor after a refusal."""
    mark = f"{tmp_path.parent.name}-{tmp_path.name}.txt"
    for text in (WEB, "services: ["):
        files = ProjectFiles("shop", {"compose.yaml": text, mark: "x"})
        with suppress(Invalid):
            compose.render(files)
    assert [*Path("/dev/shm").glob(f"moorage-*/project/{mark}")] == []


def test_without_a_sandbox_nothing_is_rendered(compose: DockerCompose, monkeypatch: pytest.MonkeyPatch):
    """Never unconfined: the error says what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ComposeError, match="install the package bubblewrap"):
        compose.render(project(WEB))
