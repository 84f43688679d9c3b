"""The configuration that a source holds: at the commit in force, off the record; at another, out of its repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appserver.core.entities import Source
from appserver.errors import RepoError
from appserver.ports import KV, Repositories, Sealer
from appserver.services.remembered import Remembered
from appserver.services.source_files import SourceFiles
from appserver.services.source_records import SourceRecords
from image_config import Repository

_KEPT = 8
"""Commits whose parsed files are kept in memory."""
_KEPT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class InForce:
    """A source's last good commit, read. `repository` is None before the first; `error` tells of a newer, bad one."""

    commit: str
    repository: Repository | None
    error: str = ""


class SourceTrees:
    def __init__(self, *, kv: KV, records: SourceRecords, repositories: Repositories, sealer: Sealer) -> None:
        self._records = records
        self._files = SourceFiles(kv, sealer)
        self._repositories = repositories
        self._parsed: Remembered[tuple[Repository, int]] = Remembered(_KEPT, lambda held: held[1], _KEPT_BYTES)
        self._latest: dict[str, Repository] = {}

    def current(self, name: str) -> InForce:
        """What is in force now.

        Raises:
            NotFound: there is no such source.
            RepoError: its files are not on record as they should be.
        """
        state = self._records.get(name).state
        while state.commit:
            try:
                return InForce(state.commit, self.in_force(name, state.commit), state.error)
            except RepoError:  # another commit may have come into force meanwhile, and the files of this one gone
                before, state = state, self._records.get(name).state
                if state.commit == before.commit:
                    raise
        return InForce("", None, state.error)

    def in_force(self, name: str, commit: str) -> Repository:
        """The configuration at the commit in force, off the record, read once."""
        return self._read(name, commit, lambda: self._files.read(name, commit))

    def checked(
        self, source: Source, commit: str, environment: Mapping[str, str] | None = None
    ) -> tuple[Repository, Mapping[str, str]]:
        """The configuration at a commit of the repository here, and its files.

        Raises:
            InvalidMany: files that may not be there at all. What is wrong within a file, its readers are told.
            RepoError
        """
        files = self._repositories.open(source.name, source.kind).files(commit, environment)
        return self._read(source.name, commit, lambda: files), files

    def _read(self, name: str, commit: str, files: Callable[[], Mapping[str, str]]) -> Repository:
        """Of its files, only those are read that the commit before did not have."""

        def make() -> tuple[Repository, int]:
            texts = files()
            made = Repository(texts, commit, self._latest.get(name))
            self._latest[name] = made
            return made, sum(map(len, texts.values()))

        return self._parsed(commit, make)[0]
