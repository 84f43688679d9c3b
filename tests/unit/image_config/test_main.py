"""`python -m image_config` over a directory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from image_config.__main__ import main

FILES = {
    "web.yml": "memory: 256M\nenvironment: {A: 1, 'constraint:disk': '=ssd'}\n",
    "dev/shop/front.properties": "memory=512M\n",
    ".git/config.yml": "not: ours",
    "README.md": "hello",
}


@pytest.fixture
def directory(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


ARGUMENTS = ["--image", "r/web:1", "--cluster", "dev", "--application", "shop", "--service", "front"]


def test_explain(directory, capsys):
    """Every value, its source, what it hides; constraints and warnings after them."""
    labels = ["--label", "arg.memory=1m", "--label", "arg.nope=x", "--label", "other"]
    assert main(["explain", str(directory), *ARGUMENTS, *labels]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "environment/A = 1    # web.yml:2",
        "environment/constraint:disk== = constraint:disk==ssd    # web.yml:2",
        "mem_limit = 512M    # dev/shop/front.properties:1, hides web.yml:1, image r/web:1",
        "constraint disk==ssd",
        "warning: image r/web:1: arg.nope: unknown key",
    ]


def test_explain_for_programs(directory, capsys):
    """The service as well."""
    assert main(["explain", str(directory), *ARGUMENTS, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["service"] == {"environment": {"A": "1"}, "mem_limit": "536870912"}
    assert told["constraints"] == ["disk==ssd"]
    assert [item["option"] for item in told["items"]] == ["environment", "environment", "mem_limit"]


def test_lint(directory, capsys):
    """Nothing and 0 for a sound directory; every fault, a warning for lost files, and 2 for another."""
    assert main(["lint", str(directory)]) == 0
    assert capsys.readouterr().out == ""
    (directory / "db.yml").write_text("# x\nmemroy: 1\n")
    (directory / "a/b/c").mkdir(parents=True)
    (directory / "a/b/c/lost.yml").write_text("")
    assert main(["lint", str(directory)]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "db.yml:2: memroy: unknown key; did you mean memory?",
        "a/b/c/lost.yml: warning: no look-up reaches this file, and no other file includes it",
    ]


def test_what_cannot_be_read(directory, capsys):
    """A reason and 2, never a traceback."""
    assert main(["lint", str(directory / "nowhere")]) == 2
    assert "is not a directory" in capsys.readouterr().err
    (directory / "bad.yml").write_bytes(b"a: \xff")
    assert main(["explain", str(directory), *ARGUMENTS]) == 2
    assert "bad.yml" in capsys.readouterr().err
    (directory / "bad.yml").unlink()
    (directory / "web.yml").write_text("cpus: x")
    assert main(["explain", str(directory), *ARGUMENTS]) == 2
    assert "web.yml:1: cpus" in capsys.readouterr().err


def test_one_unreadable_file_hides_no_fault_of_another(directory, capsys):
    """Each is told, in the order of paths: not text, too long, wrong."""
    (directory / "binary.yml").write_bytes(b"a: 1\nb: \xff")
    (directory / "long.yml").write_text("#" * (1 << 20) + "\n")
    (directory / "web.yml").write_text("cpus: x")
    assert main(["lint", str(directory)]) == 2
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "binary.yml:2: is not UTF-8 text"
    assert told[1] == "long.yml: is longer than the 1048576 bytes that are read"
    assert told[2].startswith("web.yml:1: cpus: ")


def test_nothing_found_says_what_was_looked_for(directory, tmp_path_factory, capsys):
    """A misspelt image or a wrong directory does not pass for one that is in order."""
    assert main(["explain", str(directory), "--image", "wbe:2", "--cluster", "dev"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "",
        "no file is for this container; looked for wbe, wbe:2, dev/wbe, dev/wbe:2\n",
    )
    assert main(["lint", str(tmp_path_factory.mktemp("empty"))]) == 0
    assert "holds no .yml, .yaml, .properties file" in capsys.readouterr().err


def test_a_full_disk_and_a_closed_pipe_are_no_traceback(directory):
    """1 and one sentence; nothing at all for `| head`, which read what it wanted."""
    run = [sys.executable, "-m", "image_config", "docs"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(run, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "cannot write: No space left on device\n")
    piped = ["/bin/sh", "-c", '"$@" | head -n 1', "sh", *run]
    done = subprocess.run(piped, capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines()[0][:25], done.stderr) == ("# Container configuration", "")


def test_links_are_not_followed(directory, capsys):
    """A link out of the directory is not configuration."""
    (directory / "evil.yml").symlink_to("/etc/passwd")
    assert main(["lint", str(directory)]) == 0


def test_docs(capsys):
    """The page, from the tables."""
    assert main(["docs"]) == 0
    assert capsys.readouterr().out.startswith("# Container configuration")
