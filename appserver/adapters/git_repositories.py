"""The directory of bare repositories of one app server. Several app servers share it, as one file system."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock

from appserver.adapters import git_http, git_remote
from appserver.adapters.git import BareRepository
from appserver.adapters.git_process import run
from appserver.adapters.git_tags import TaggedRepository
from appserver.core.addresses import Outgoing
from appserver.core.entities import SourceKind
from appserver.core.refs import check_branch, check_commit
from appserver.errors import NotFound, RepoError
from appserver.ports import Receiver, Remote

_PRUNED = {"gc.auto": "200", "gc.autoDetach": "false", "gc.pruneExpire": "2.weeks.ago"}
_KEPT = "refs/moorage/kept"
_ASIDE, _MIRRORS = "retired", "mirrors"
_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?")


class GitRepositories:
    """`ports.Repositories` below one directory: `<name>.git` is hosted, `mirrors/<name>.git` a remote's mirror."""

    def __init__(self, root: Path, rule: Outgoing, now: Callable[[], float], ca_file: str = "") -> None:
        """
        Args:
            now: seconds of the epoch.
            ca_file: PEM file that https remotes are verified by; empty: the system's.
        """
        self._root = root
        self._rule = rule
        self._now = now
        self._ca_file = ca_file
        self._opened: dict[Path, BareRepository] = {}
        self._lock = Lock()
        (root / _MIRRORS).mkdir(mode=0o700, parents=True, exist_ok=True)

    def open(self, name: str, kind: SourceKind) -> BareRepository:
        path = self._path(name, kind)
        with self._lock:
            return self._opened.setdefault(path, BareRepository(path))

    def create(self, name: str, branch: str, files: Mapping[str, str], message: str, at: datetime) -> None:
        path = self._path(name, "hosted")
        if not path.is_dir():
            self._make(path, check_branch(branch), _import(branch, files, message, at) if files else b"")

    def fetch(self, name: str, remote: Remote) -> str:
        path = self._path(name, "remote")
        if not path.is_dir():
            self._make(path, check_branch(remote.branch), b"")
        git_remote.fetch(path, remote, self._rule, self._ca_file)
        head = self.open(name, "remote").head(remote.branch)
        if head is None:
            raise RepoError(f"{remote.branch} was not fetched")
        return head

    def tagged(self, name: str, kind: SourceKind) -> TaggedRepository:
        return TaggedRepository(self._path(name, kind))

    def fetch_tags(self, name: str, remote: Remote, prefixes: Sequence[str]) -> None:
        path = self._path(name, "remote")
        if not path.is_dir():
            self._make(path, "main", b"")
        git_remote.fetch(path, remote, self._rule, self._ca_file, prefixes)

    def retire(self, name: str) -> None:
        hosted, mirror = self._path(name, "hosted"), self._path(name, "remote")
        aside = self._root / _ASIDE
        aside.mkdir(mode=0o700, exist_ok=True)
        with self._lock:
            self._opened.pop(hosted, None)
            self._opened.pop(mirror, None)
            if hosted.is_dir():
                hosted.rename(aside / f"{name}-{self._now():.0f}.git")
            shutil.rmtree(mirror, ignore_errors=True)

    def tidy(self, name: str, kind: SourceKind, keep: str) -> None:
        path = self._path(name, kind)
        if not path.is_dir():
            return
        if keep:
            run(path, ["update-ref", _KEPT, check_commit(keep)], allowed=(0, 128))
        run(path, [*(word for pair in _PRUNED.items() for word in ("-c", "=".join(pair))), "gc", "--auto", "--quiet"])

    def advertise(self, name: str, service: str, protocol: str) -> Iterator[bytes]:
        return git_http.advertise(self._path(name, "hosted"), service, protocol)

    def upload(self, name: str, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
        return git_http.upload(self._path(name, "hosted"), body, protocol)

    def receive(self, name: str, body: Iterable[bytes], protocol: str, receiver: Receiver) -> Iterator[bytes]:
        return git_http.receive(self._path(name, "hosted"), body, protocol, receiver)

    def _path(self, name: str, kind: SourceKind) -> Path:
        if not _NAME.fullmatch(name):
            raise NotFound("there is no such repository")
        return (self._root if kind == "hosted" else self._root / _MIRRORS) / f"{name}.git"

    def _make(self, path: Path, branch: str, first: bytes) -> None:
        """Made aside and put in place whole, so that nobody meets half a repository; the first of two stays."""
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=self._root))
        try:
            run(aside, ["init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", str(aside)])
            if first:
                run(aside, ["fast-import", "--quiet"], stdin=first)
            aside.rename(path)
        except OSError as error:
            if not path.is_dir():
                raise RepoError(f"{path.name} cannot be made: {error.strerror}") from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _import(branch: str, files: Mapping[str, str], message: str, at: datetime) -> bytes:
    """One commit as `git fast-import` reads it."""
    parts = [
        f"commit refs/heads/{branch}\ncommitter Moorage <moorage@localhost> {at.timestamp():.0f} +0000\n".encode(),
        _data(message),
    ]
    for path, text in files.items():
        parts += [f"M 100644 inline {path}\n".encode(), _data(text)]
    return b"".join(parts)


def _data(text: str) -> bytes:
    blob = text.encode()
    return b"data %d\n%s\n" % (len(blob), blob)
