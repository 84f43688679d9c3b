"""What is asked of git: configuration as it is committed, and pushes as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Protocol

from appserver.core.entities import SourceKind
from appserver.core.refs import RefUpdate


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """Who wrote a commit, when, and its first line. All of it is a stranger's text."""

    id: str
    author: str
    at: datetime
    subject: str


class ConfigRepo(Protocol):
    """One git repository of container configuration, read at a commit, without a checkout.

    `environment` holds git's quarantine variables while a push is being checked.
    """

    def head(self, branch: str) -> str | None:
        """Commit id of the branch; None when it has none."""

    def files(self, commit: str, environment: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """Path to text of every configuration file at the commit.

        Raises:
            InvalidMany: files that may not be there (a symlink, a submodule, `../x`, too large).
            RepoError: the repository does not hold the commit.
        """

    def contains(self, ancestor: str, commit: str, environment: Mapping[str, str] | None = None) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""

    def describe(self, commit: str, environment: Mapping[str, str] | None = None) -> CommitInfo: ...


@dataclass(frozen=True, slots=True)
class Tag:
    """`id` is what the reference names: the commit itself, or an object that bears message and signature."""

    id: str
    commit: str


class TaggedRepo(Protocol):
    """One git repository whose tags are releases. `environment` as of `ConfigRepo`."""

    def tags(self) -> Mapping[str, Tag]:
        """By name; those alone that lead to a commit. None where the repository is not on this app server."""

    def tag(self, name: str, id_: str, environment: Mapping[str, str] | None = None) -> Tag:
        """What the object is that a tag of that name is to be.

        Raises:
            Invalid: no commit, a tag of a tag, or one that was made under another name.
        """

    def tree(self, commit: str, environment: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """Path to text of every file of a release.

        Raises:
            Invalid, InvalidMany: files that may not be there (a symlink, no text, too large), or too many.
            RepoError: the repository does not hold the commit.
        """

    def signer(self, name: str, tag: Tag, signers: str, environment: Mapping[str, str] | None = None) -> str:
        """Who signed it, of `signers`: lines of OpenSSH's allowed_signers.

        Raises:
            Invalid: nobody did, or nobody of them.
        """


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository elsewhere. `credential` is a token for https, a private key for ssh; opened, never logged."""

    url: str
    branch: str
    username: str = ""
    credential: str = field(default="", repr=False)
    known_hosts: str = ""


class Say(Protocol):
    """One line to the pusher's terminal; without effect once `gone` is set, which is no reason to stop."""

    gone: Event

    def __call__(self, line: str) -> None: ...


class Receiver(Protocol):
    """Who decides on a push and carries it out. Called in this order, each at most once, `close` always."""

    def check(
        self, updates: Sequence[RefUpdate], options: Sequence[str], environment: Mapping[str, str], say: Say
    ) -> bool:
        """Before any reference moves. False, or any error, refuses the push whole."""

    def accepted(self, updates: Sequence[RefUpdate], say: Say) -> None:
        """After references moved; `updates` are those that did."""

    def close(self) -> None:
        """The push is over, or broke off."""


class Repositories(Protocol):
    """The bare git repositories of this app server, by their source's name: hosted ones, and mirrors of remotes."""

    def open(self, name: str, kind: SourceKind) -> ConfigRepo: ...

    def create(self, name: str, branch: str, files: Mapping[str, str], message: str, at: datetime) -> None:
        """Make a hosted repository whose first commit, of `at`, holds `files` (none: no commit). One that exists stays.

        The same arguments make the same commit, on whichever app server.
        """

    def fetch(self, name: str, remote: Remote) -> str:
        """Bring the branch's newest commit into a mirror, and its id.

        Raises:
            Invalid: a URL that may not be called.
            RepoError: it cannot be reached, or is too large; without credentials in the text.
        """

    def tagged(self, name: str, kind: SourceKind) -> TaggedRepo: ...

    def fetch_tags(self, name: str, remote: Remote, prefixes: Sequence[str]) -> None:
        """Bring the tags that begin so into a mirror, and drop those that the remote no longer has.

        Raises:
            Invalid, RepoError: as `fetch`.
        """

    def retire(self, name: str) -> None:
        """Put a hosted repository aside: it is no longer served, and not yet destroyed. A mirror is dropped."""

    def tidy(self, name: str, kind: SourceKind, keep: str) -> None:
        """Pack what has become many small files, and drop what no branch holds any more but the commit `keep`."""

    def advertise(self, name: str, service: str, protocol: str) -> Iterator[bytes]:
        """The references, as `info/refs` of smart HTTP. `service` is `git-upload-pack` or `git-receive-pack`."""

    def upload(self, name: str, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
        """A clone or fetch."""

    def receive(self, name: str, body: Iterable[bytes], protocol: str, receiver: Receiver) -> Iterator[bytes]:
        """A push."""
