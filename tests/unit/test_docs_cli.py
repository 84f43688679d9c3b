"""Documents of the command line: generated from it, and never naming a verb or option that is not there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from appserver.cli.main import moorage
from appserver.cli.reference import document

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ("README.md", "CONTRIBUTING.md", "docs/howto.md", "docs/architecture.md", "docs/nomenclature.md")


def test_the_reference_is_that_of_the_commands() -> None:
    """`python -m appserver.cli.reference > docs/cli.md` brings it up to date."""
    assert (ROOT / "docs/cli.md").read_text() == document()


def test_every_option_says_what_it_means() -> None:
    """Help without a hole."""
    dumb = [f"{path} {option.opts[0]}" for path, option in options(moorage, "moorage") if not option.help]
    assert dumb == []


@pytest.mark.parametrize("name", WRITTEN)
def test_commands_in_the_documents_exist(name: str) -> None:
    """Each verb and option that a person may copy."""
    wrong = [f"{line}: {why}" for line in commands((ROOT / name).read_text()) if (why := against(line))]
    assert wrong == []


@pytest.mark.parametrize("name", WRITTEN)
def test_links_in_the_documents_lead_somewhere(name: str) -> None:
    """Files of the repository; other addresses are not looked up."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text())
    assert [link for link in links if not ((ROOT / name).parent / link).exists()] == []


def options(group: click.Group, path: str) -> Iterator[tuple[str, click.Option]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from ((f"{path} {name}", found) for found in command.params if isinstance(found, click.Option))
        if isinstance(command, click.Group):
            yield from options(command, f"{path} {name}")


def commands(text: str) -> Iterator[str]:
    """Lines of code blocks, and code in sentences, that call moorage."""
    for block in re.findall(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", text, re.DOTALL):
        for line in (block[0] or block[1]).splitlines():
            words = line.strip().removeprefix("sudo ").removeprefix(".venv/bin/")
            if words.startswith("moorage "):
                yield words.split("  ")[0].split(" #")[0].split(" |")[0].rstrip()


def against(line: str) -> str:
    """Why no such command can be given; empty when it can."""
    command: click.Command = moorage
    for word in shlex.split(line)[1:]:
        context = click.Context(command)
        if word.startswith("-"):
            known = {name for param in command.get_params(context) for name in (*param.opts, *param.secondary_opts)}
            if word.split("=")[0] not in known | {"-h", "--help"}:
                return f"no option {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"no verb {word}"
            command = found
    return ""
