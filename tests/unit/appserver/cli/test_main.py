"""The command line as a whole: help without imports, `--json` anywhere, errors as lines and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appserver.cli import lazy
from appserver.cli.main import COMMANDS, main, moorage

HEAVY = ("rich", "requests", "flask", "yaml", "image_config", "grpc", "http.client", "appserver.wiring")


def test_help_of_the_program_imports_no_verb() -> None:
    """`moorage --help` starts fast because nothing is imported but click and the table."""
    script = (
        "import sys; from appserver.cli.main import main; main(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_agent_brings_in_nothing_that_app_servers_alone_use() -> None:
    """Each of these is megabytes that 1,000 hosts would hold for nothing."""
    others = ("image_config", "flask", "jinja2", "git", "cryptography", "rich", "numpy", "ansible_runner")
    script = f"import sys, appserver.cli.agent; print([name for name in {others!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_verb_of_the_api_imports_what_it_needs_alone(tmp_path: Path) -> None:
    """A list costs click and an HTTP client: no table drawing, no YAML, no services."""
    script = (
        "import sys; from appserver.cli.main import main; code = main(['app', 'list']);"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    environ = {"MOORAGE_PROFILE": str(tmp_path / "none"), "MOORAGE_SERVER": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.splitlines()[-1] == "1 ['http.client']"


@pytest.mark.parametrize("noun", [name for name in COMMANDS if name not in ("serve", "agent")])
def test_every_verb_of_the_table_is_there(noun: str) -> None:
    """What the table names can be imported, and every verb has a line of help."""
    done = CliRunner().invoke(moorage, [noun, "--help"])
    assert done.exit_code == 0, done.output
    command = moorage.get_command(click.Context(moorage), noun)
    assert command is not None
    for name in command.list_commands(click.Context(command)) if isinstance(command, click.Group) else ():
        verb = command.get_command(click.Context(command), name)
        assert verb is not None and verb.name == name
        assert verb.help, f"{noun} {name} has no help"


def test_json_is_accepted_before_and_after_the_verb() -> None:
    """Wherever `--json` stands, it counts."""

    @click.group(cls=lazy.Group)
    def top() -> None: ...

    @top.group(cls=lazy.Group)
    def noun() -> None: ...

    @noun.command()
    def verb() -> None:
        click.echo(json.dumps(lazy.wants_json()))

    for argv in (["--json", "noun", "verb"], ["noun", "--json", "verb"], ["noun", "verb", "--json"]):
        assert CliRunner().invoke(top, argv).output == "true\n", argv
    assert CliRunner().invoke(top, ["noun", "verb"]).output == "false\n"


def test_a_mistyped_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, and the verb that was probably meant."""
    assert main(["app", "histroy"]) == 2
    assert "did you mean history?" in capsys.readouterr().err


def test_without_a_profile_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2: the caller can mend it, by logging in."""
    for name in ("MOORAGE_SERVER", "MOORAGE_TOKEN", "MOORAGE_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOORAGE_PROFILE", str(tmp_path / "none.toml"))
    assert main(["node", "list"]) == 2
    assert "moorage login" in capsys.readouterr().err


def test_a_server_that_is_away_is_one_line_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What we stand on failed; no traceback."""
    monkeypatch.setenv("MOORAGE_PROFILE", str(tmp_path / "none.toml"))
    monkeypatch.setenv("MOORAGE_SERVER", "http://127.0.0.1:9")
    assert main(["app", "list"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "moorage: nothing listens at http://127.0.0.1:9: is `moorage serve` running there?\n"
