"""git as a person uses it: a working copy in a directory of its own, with nothing of this machine's configuration."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said:
    """How a git command ended. `remote` are the lines the server sent, as the pusher reads them."""

    code: int
    out: str
    err: str

    @property
    def remote(self) -> list[str]:
        lines = [line.removeprefix("remote:") for line in self.err.splitlines() if line.startswith("remote:")]
        return [line.removeprefix(" ").replace("\x1b[K", "").rstrip() for line in lines]


@dataclass(frozen=True, slots=True)
class Copy:
    """One working copy. `url` is where it pushes; user and password are given as a person's credential store does."""

    path: Path
    url: str
    user: str = ""
    password: str = ""

    def git(self, *words: str, check: bool = True, stdin: bytes = b"", timeout_s: float = 60.0) -> Said:
        done = subprocess.run(
            ["git", *words],
            cwd=self.path,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        said = Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        if check and said.code:
            raise AssertionError(f"git {' '.join(words)}: {said.err}")
        return said

    @property
    def environment(self) -> dict[str, str]:
        helper = f"!f() {{ echo username={self.user}; echo password={self.password}; }}; f"
        settings = {
            "credential.helper": helper if self.password else "",
            "user.name": "Dev",
            "user.email": "dev@example.com",
            "init.defaultBranch": "main",
            "advice.detachedHead": "false",
            "protocol.file.allow": "always",
        }
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (name, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return environment

    def commit(self, files: dict[str, str | bytes | None], message: str = "change") -> str:
        """Write the files (None removes one), commit, and its id."""
        for path, text in files.items():
            target = self.path / path
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").out.strip()

    def push(self, *words: str, check: bool = False) -> Said:
        return self.git("push", *(words or ("origin", "HEAD:main")), check=check)

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """A tree object of (mode, path as it is, text), made byte by byte: porcelain would refuse it.

        Bytes of a path that are no text stand in it as surrogates.
        """
        body = b""
        for mode, name, text in sorted(entries, key=lambda entry: entry[1]):
            kind = "tree" if mode == "40000" else "blob"
            id_ = text
            if kind == "blob" and mode != "160000":
                id_ = self.git("hash-object", "-w", "--stdin", stdin=text.encode()).out.strip()
            body += f"{mode} {name}\0".encode(errors="surrogateescape") + bytes.fromhex(id_)
        return self.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=body).out.strip()

    def commit_tree(self, tree: str, parent: str = "") -> str:
        """A commit of a tree that no working copy could hold."""
        words = ["commit-tree", tree, "-m", "crafted", *(("-p", parent) if parent else ())]
        return self.git(*words).out.strip()


def begin(path: Path, url: str = "", user: str = "", password: str = "") -> Copy:
    """An empty working copy."""
    path.mkdir(parents=True)
    copy = Copy(path, url, user, password)
    copy.git("init", "-q")
    if url:
        copy.git("remote", "add", "origin", url)
    return copy


def clone(path: Path, url: str, user: str = "", password: str = "") -> Copy:
    path.parent.mkdir(parents=True, exist_ok=True)
    outside = Copy(path.parent, url, user, password)
    outside.git("clone", "-q", url, path.name)
    return Copy(path, url, user, password)
