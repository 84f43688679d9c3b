"""The command line against a real app server, agent and engine: what it prints, and with which code it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab.daemon import MOORAGE, ROOT
from tests.lab.processes import Servers
from tests.lab.wait import wait_until


@pytest.fixture
def project(tmp_path: Path, test_image: str) -> Path:
    """A directory with a compose project of two services, an `.env` with a secret, and an env_file."""
    write(tmp_path, test_image)
    (tmp_path / ".env").write_text("PASSWORD=hunter2hunter2\n")
    (tmp_path / "web.env").write_text("GREETING=hello\n")
    return tmp_path


def write(project: Path, image: str, web: str = "", db: str = "") -> None:
    (project / "compose.yaml").write_text(
        f"""
services:
  web:
    image: {image}
    env_file: web.env
    environment: {{DB_PASSWORD: "${{PASSWORD}}"}}
    stop_grace_period: 0s
    {web}
  db:
    image: {image}
    stop_grace_period: 0s
    volumes: [data:/data]
    {db}
volumes: {{data: }}
"""
    )


def run(servers: Servers, cwd: Path, *args: str, code: int = 0, text: str = "") -> str:
    """What `moorage` printed on stdout, or on stderr where it is to fail."""
    done = servers.moorage(*args, cwd=cwd, text=text)
    assert done.returncode == code, (
        f"moorage {' '.join(args)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout if code in (0, 3) else done.stderr


def as_json(servers: Servers, cwd: Path, *args: str, code: int = 0) -> Any:
    return json.loads(run(servers, cwd, *args, "--json", code=code))


def docker(*args: str) -> str:
    return subprocess.run(("docker", *args), capture_output=True, text=True, check=True).stdout.strip()


def containers(app: str) -> list[str]:
    listed = docker("ps", "-aq", "--no-trunc", "--filter", f"label=com.docker.compose.project={app}")
    return sorted(listed.split())


def test_plan_deploy_and_nothing_to_do(servers: Servers, project: Path, app_name: str) -> None:
    """A plan is exit 3 and changes nothing; its deployment is followed to the end; then nothing is left to do."""
    assert "web: create — new in the project" in run(servers, project, "app", "plan", app_name, code=3)
    assert containers(app_name) == []
    told = run(servers, project, "app", "deploy", app_name, "--reason", "first")
    assert "db: create — new in the project" in told.splitlines()
    assert told.endswith(f"done: default.{app_name} is at revision 1\n")
    running = containers(app_name)
    assert len(running) == 2
    assert run(servers, project, "app", "plan", app_name) == f"nothing to do: default.{app_name} is as wanted\n"
    assert as_json(servers, project, "app", "deploy", app_name)["changed"] is False
    assert containers(app_name) == running
    listed = as_json(servers, project, "app", "list")["items"]
    assert [(app["state"], app["up"], app["revision"]) for app in listed if app["name"] == app_name] == [
        ("running", 2, 1)
    ]
    assert "hunter2" not in told + run(servers, project, "app", "explain", app_name)


def test_set_is_the_strongest_layer_and_explained(servers: Servers, project: Path, app_name: str) -> None:
    """One service changes, its value names who set it, and a rollback takes it away again."""
    run(servers, project, "app", "deploy", app_name)
    before = containers(app_name)
    settings = ("--set", "web.mem_limit=64M", "--set", "web.environment.GREETING=ahoy")
    plan = as_json(servers, project, "app", "plan", app_name, *settings, code=3)
    assert {step["subject"]: step["action"] for step in plan["steps"]} == {"web": "recreate", "db": "none"}
    done = as_json(servers, project, "app", "deploy", app_name, *settings, "--plan-token", plan["token"])
    assert (done["changed"], done["operation"]["state"], done["operation"]["revision"]) == (True, "done", 2)
    assert len(set(containers(app_name)) & set(before)) == 1
    explained = run(servers, project, "app", "explain", app_name, "--service", "web", "--option", "mem_limit")
    assert explained.startswith("web.mem_limit = 64M  from root ")
    assert "has no service nosuch" in run(servers, project, "app", "explain", app_name, "--service", "nosuch", code=2)
    assert "web: recreate" in run(servers, project, "app", "rollback", app_name, "1", "--dry-run", code=3)
    run(servers, project, "app", "rollback", app_name, "1")
    history = as_json(servers, project, "app", "history", app_name)["items"]
    assert [(one["number"], one["outcome"], one["restores"]) for one in history] == [
        (3, "deployed", 1),
        (2, "deployed", 0),
        (1, "deployed", 0),
    ]
    assert "mem_limit" not in as_json(servers, project, "app", "history", app_name, "3")["project"]


def test_a_stale_plan_is_refused(servers: Servers, project: Path, app_name: str, test_image: str) -> None:
    """Exit 2, and nothing is changed."""
    token = as_json(servers, project, "app", "plan", app_name, code=3)["token"]
    run(servers, project, "app", "deploy", app_name)
    write(project, test_image, web="mem_limit: 64M")
    before = containers(app_name)
    assert "stale" in run(servers, project, "app", "deploy", app_name, "--plan-token", token, code=2)
    assert containers(app_name) == before


def test_a_failed_deployment_says_why(servers: Servers, project: Path, app_name: str, test_image: str) -> None:
    """Exit 1; the exit code and the last lines of the log are printed, and what ran before runs."""
    run(servers, project, "app", "deploy", app_name)
    write(project, test_image, web='command: ["sh", "-c", "echo out of luck; exit 7"]')
    told = run(servers, project, "app", "deploy", app_name, code=1)
    assert f"failed: revision 2 of default.{app_name} was given up" in told
    assert "exit code 7" in told
    assert "  | out of luck" in told
    shown = as_json(servers, project, "app", "show", app_name)
    assert (shown["revision"], shown["up"]) == (1, 2)


def test_drift_is_exit_3(servers: Servers, project: Path, app_name: str) -> None:
    """A container removed by hand is told; a deployment mends it."""
    run(servers, project, "app", "deploy", app_name)
    assert run(servers, project, "app", "drift", app_name) == f"no drift: {app_name} is as wanted\n"
    docker("rm", "-f", f"{app_name}-web-1")
    wait_until(lambda: servers.moorage("app", "drift", app_name).returncode == 3, "the drift is seen")
    assert run(servers, project, "app", "drift", app_name, code=3).startswith("web: ")
    run(servers, project, "app", "deploy", app_name)
    run(servers, project, "app", "drift", app_name)


def test_stop_start_restart_scale_delete(servers: Servers, project: Path, app_name: str) -> None:
    """Each verb ends when it is done; delete asks, and keeps volumes unless told."""
    run(servers, project, "app", "deploy", app_name)
    assert run(servers, project, "app", "stop", app_name).endswith(f"done: stop of {app_name}\n")
    assert docker("ps", "-q", "--filter", f"label=com.docker.compose.project={app_name}") == ""
    run(servers, project, "app", "start", app_name)
    started = docker("inspect", "-f", "{{.State.StartedAt}}", f"{app_name}-db-1")
    run(servers, project, "app", "restart", app_name, "web")
    assert docker("inspect", "-f", "{{.State.StartedAt}}", f"{app_name}-db-1") == started
    run(servers, project, "app", "scale", app_name, "web=2")
    assert len(containers(app_name)) == 3
    assert "--yes" in run(servers, project, "app", "delete", app_name, code=2)
    run(servers, project, "app", "delete", app_name, "--yes")
    assert containers(app_name) == []
    assert docker("volume", "ls", "-q", "--filter", f"name={app_name}_data") == f"{app_name}_data"
    assert "there is no application" in run(servers, project, "app", "show", app_name, code=2)


def test_logs(servers: Servers, project: Path, app_name: str, test_image: str) -> None:
    """The last lines, with the container's name; with --follow those that come."""
    script = "while :; do echo tick; sleep 1; done"
    write(project, test_image, web=f'command: ["sh", "-c", "{script}"]')
    run(servers, project, "app", "deploy", app_name)
    assert run(servers, project, "app", "logs", app_name, "web", "--tail", "1") == f"{app_name}-web-1 | tick\n"
    argv = (*MOORAGE, "app", "logs", app_name, "web", "--follow", "--tail", "0")
    with subprocess.Popen(argv, env=environ(servers), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == f"{app_name}-web-1 | tick\n"
        following.terminate()


def test_export_runs_without_us_and_is_private(servers: Servers, project: Path, app_name: str) -> None:
    """A directory that `docker compose` takes, readable by its owner alone since it holds the secrets."""
    run(servers, project, "app", "deploy", app_name)
    exported = as_json(servers, project, "app", "export", app_name, "-o", "out")
    folder = project / "out"
    assert sorted(exported["files"]) == sorted(path.name for path in folder.iterdir())
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    config = json.loads(docker("compose", "--project-directory", str(folder), "config", "--format", "json"))
    assert config["services"]["web"]["environment"] == {"DB_PASSWORD": "hunter2hunter2", "GREETING": "hello"}
    assert "there already" in run(servers, project, "app", "export", app_name, "-o", "out", code=2)


def test_import_adopts_what_runs(servers: Servers, project: Path, app_name: str) -> None:
    """A project that Compose started becomes ours, and its containers are the same as before."""
    docker("compose", "-p", app_name, "--project-directory", str(project), "up", "-d")
    before = containers(app_name)
    assert app_name in [one["name"] for one in as_json(servers, project, "app", "import")["items"]]
    run(servers, project, "app", "import", app_name)
    assert containers(app_name) == before
    assert as_json(servers, project, "app", "show", app_name)["state"] == "running"


def test_following_survives_the_app_server(servers: Servers, project: Path, app_name: str, test_image: str) -> None:
    """The app server is killed in mid-deployment and started again: the command line goes on to the end."""
    web = 'command: ["sh", "-c", "sleep 3; touch /up; exec sleep 600"]'
    probe = '\n    healthcheck: {test: ["CMD", "test", "-f", "/up"], interval: 200ms, retries: 50}'
    write(project, test_image, web=web + probe)
    argv = (*MOORAGE, "app", "deploy", app_name)
    with subprocess.Popen(argv, cwd=project, env=environ(servers), stdout=subprocess.PIPE, text=True) as deploying:
        wait_until(lambda: containers(app_name), "containers come", 30)
        servers.kill_serve()
        time.sleep(0.5)  # long enough for the command line to find nobody there
        servers.serve.start()
        told, _ = deploying.communicate(timeout=60)
    assert deploying.returncode == 0, told
    assert told.endswith("is at revision 1\n")


def test_at_a_terminal_the_plan_is_asked_about(servers: Servers, project: Path, app_name: str) -> None:
    """No means nothing happens; yes shows the progress in place and ends with the result."""
    code, seen = at_terminal(servers, project, ("app", "deploy", app_name), answer="n")
    assert code != 0
    assert "web: create" in seen and "Apply this?" in seen
    assert containers(app_name) == []
    code, seen = at_terminal(servers, project, ("app", "deploy", app_name), answer="y")
    assert code == 0, seen
    assert "is at revision 1" in seen
    assert len(containers(app_name)) == 2


def test_the_configuration_is_cloned_changed_and_pushed(
    servers: Servers, project: Path, app_name: str, tmp_path: Path
) -> None:
    """The README's lines, by somebody git knows nothing of: nothing is typed, plan and roll-out are seen."""
    run(servers, project, "app", "deploy", app_name)
    before = containers(app_name)
    done = servers.moorage("config", "clone", "config", "copy", cwd=project, environ={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "copy"
    assert "mrg_" not in (copy / ".git/config").read_text()
    changed = copy / "default" / app_name / "web.yml"
    changed.parent.mkdir(parents=True)
    changed.write_text("environment: {COLOUR: teal}\n")
    git(servers, copy, "add", ".")
    git(servers, copy, "commit", "-qm", "another colour")
    told = git(servers, copy, "push")
    assert "remote:   web: recreate — environment.COLOUR" in told
    assert f"remote: default.{app_name}: revision 2 is deployed" in told
    assert len(set(containers(app_name)) & set(before)) == 1
    changed.write_text("mem_limt: 1\n")
    git(servers, copy, "commit", "-qam", "bad")
    assert f"remote: default/{app_name}/web.yml:1: mem_limt" in git(servers, copy, "push", code=1)


def test_the_doctor_finds_an_agent_that_is_away(servers: Servers, project: Path) -> None:
    """Sound: exit 0. The agent killed: exit 1, and where to look."""
    assert all(line.startswith("ok") for line in run(servers, project, "doctor").splitlines())
    servers.kill_agent()
    wait_until(lambda: servers.moorage("doctor").returncode == 1, "the agent's lease ends", 30)
    found = {one["check"]: one for one in json.loads(servers.moorage("doctor", "--json").stdout)["items"]}
    assert found["node n1"]["ok"] is False
    assert "moorage-agent" in found["node n1"]["hint"]


def git(servers: Servers, copy: Path, *args: str, code: int = 0) -> str:
    """What git said on stderr."""
    done = subprocess.run(
        ("git", *args), cwd=copy, env=environ(servers), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def environ(servers: Servers) -> Mapping[str, str]:
    """What a command line of its own process is told."""
    told = {"MOORAGE_PROFILE": str(servers.folder / "profile.toml"), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    return {"PATH": os.environ["PATH"], **told}


def at_terminal(servers: Servers, cwd: Path, args: tuple[str, ...], answer: str) -> tuple[int, str]:
    """Run at a terminal of 100 columns and answer its question; the exit code and all the text that was shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        (*MOORAGE, *args),
        cwd=cwd,
        env={**environ(servers), "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen, answered, until = b"", False, time.monotonic() + 60
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    seen += os.read(ours, 65536)
                except OSError:  # the terminal's other end is closed
                    break
            if not answered and b"[y/N]" in seen:
                os.write(ours, f"{answer}\n".encode())
                answered = True
        code = process.wait(10)
    os.close(ours)
    return code, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode(errors="replace"))
