"""One bare repository, read at a commit: `ls-tree` and one `cat-file --batch`, no checkout."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock

from appserver.adapters.git_objects import blobs, listing
from appserver.adapters.git_process import run
from appserver.core import config_tree
from appserver.core.refs import BRANCHES, check_branch, check_commit
from appserver.errors import InvalidMany, RepoError
from appserver.ports import CommitInfo

_REMEMBERED = 4
"""Commits whose files are kept in memory; what a commit holds never changes."""


class BareRepository:
    """`ports.ConfigRepo`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._blobs: Mapping[str, bytes] = {}
        self._lock = Lock()

    def head(self, branch: str) -> str | None:
        ref = BRANCHES + check_branch(branch)
        if not self.path.is_dir():
            raise RepoError(f"{self.path.name} is not on this app server")
        done = run(self.path, ["show-ref", "--verify", "--hash", "--", ref], allowed=(0, 1, 128))
        text = done.stdout.decode().strip()
        return check_commit(text) if done.returncode == 0 else None

    def files(self, commit: str, environment: Mapping[str, str] | None = None) -> Mapping[str, str]:
        check_commit(commit)
        with self._lock:
            if commit in self._files:
                self._files.move_to_end(commit)
                return self._files[commit]
            found = self._read(commit, environment)
            self._files[commit] = found
            while len(self._files) > _REMEMBERED:
                self._files.popitem(last=False)
            return found

    def contains(self, ancestor: str, commit: str, environment: Mapping[str, str] | None = None) -> bool:
        words = ["merge-base", "--is-ancestor", check_commit(ancestor), check_commit(commit)]
        done = run(self.path, words, extra=environment, allowed=(0, 1, 128))
        return done.returncode == 0

    def describe(self, commit: str, environment: Mapping[str, str] | None = None) -> CommitInfo:
        words = ["log", "-1", "--no-show-signature", "--format=%an%x00%aI%x00%s", check_commit(commit)]
        told = run(self.path, words, extra=environment).stdout.decode(errors="replace").rstrip("\n")
        author, at, subject = told.split("\0", 2)
        return CommitInfo(commit, author[:200], datetime.fromisoformat(at), subject[:200])

    def _read(self, commit: str, environment: Mapping[str, str] | None) -> Mapping[str, str]:
        entries = listing(self.path, commit, config_tree.MAX_FILES, environment)
        if faults := config_tree.faults(entries):
            raise InvalidMany(faults)
        wanted = [entry for entry in entries if config_tree.is_config(entry.path)]
        held = self._fetched({entry.id: entry.size for entry in wanted}, environment)
        found, bad = config_tree.texts({entry.path.decode(): held[entry.id] for entry in wanted})
        if bad:
            raise InvalidMany(bad)
        self._blobs = held
        return found

    def _fetched(self, wanted: Mapping[str, int], environment: Mapping[str, str] | None) -> Mapping[str, bytes]:
        """Blobs by id; only those that the tree read before did not have are asked for."""
        known = {id_: self._blobs[id_] for id_ in wanted if id_ in self._blobs}
        missing = [id_ for id_ in wanted if id_ not in known]
        return {**known, **blobs(self.path, missing, environment)}
