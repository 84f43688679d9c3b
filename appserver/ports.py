"""What the core and the services ask of the world, on one page.

Each protocol is narrow, so that a second implementation is easy; each has one real adapter in
`adapters/` and, for `KV`, one in memory that passes the same contract suite.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Protocol

from appserver.core.bmc import Account, Accounts, Boot, Login
from appserver.core.containers import ContainerState, EngineEvent, EngineInfo, ImageFacts, StrayProject
from appserver.core.entities import ProjectFiles, SourceKind
from appserver.core.handshake import Proof
from appserver.core.playbooks import Inventory, Playbook
from appserver.core.plays import PlayJob, PlayNews
from appserver.core.refs import RefUpdate


@dataclass(frozen=True, slots=True)
class Item:
    """One key's text, the revision that wrote it last, the one that created it, and its lease (0: none)."""

    value: str
    revision: int
    created: int = 0
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Keys below the prefixes asked for, all at one store revision, in key order."""

    revision: int
    items: Mapping[str, Item]

    def revision_of(self, key: str) -> int:
        """The revision that wrote `key` last; 0 where it is absent, as `KV.commit` expects."""
        item = self.items.get(key)
        return item.revision if item else 0


@dataclass(frozen=True, slots=True)
class Change:
    """One key changed. `value` is None when it was deleted or its lease ended."""

    key: str
    value: str | None
    revision: int


class Watch(Protocol):
    """Changes in order. Iteration ends after `close`, from whichever thread it is called."""

    def __iter__(self) -> Iterator[Change]: ...
    def close(self) -> None: ...


class Lease(Protocol):
    """Kept alive in the background until closed. `lost` is set when the store no longer holds it."""

    id: int
    lost: Event


class Leadership(Protocol):
    """Held until the context ends or the lease is lost.

    `fence` joins the `expect` of every commit made as leader, so that a leader that was
    replaced cannot write. `lease` is its own: what is put under it is gone when another leads.
    """

    fence: Mapping[str, int]
    lost: Event
    lease: int


class KV(Protocol):
    """Keys to text. Revisions rise with every commit; revision 0 means "absent"."""

    def snapshot(self, *prefixes: str) -> Snapshot:
        """All at one revision. A prefix ends in "/"; a name without it is one key; "" is everything."""

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        """Write all or nothing; the new revision, or 0 when an expected key's revision differs.

        Raises:
            TooLarge: a value over 1 MiB.
            LeadershipLost: `lease` is gone.
            StoreError: the store did not answer; whether it wrote is then not known.
        """

    def watch(self, prefix: str, after: int) -> Watch:
        """Every change below `prefix` with a revision over `after`, through restarts of the store.

        Raises (from iteration):
            Compacted: changes after `after` are gone; list again.
        """

    def lease(self, ttl_s: float) -> AbstractContextManager[Lease]: ...

    def grant(self, ttl_s: float) -> int:
        """A lease that nobody keeps alive: what is put under it is gone after `ttl_s`. Its id, for `commit`."""

    def leader(self, name: str, ttl_s: float, value: str, stop: Event) -> AbstractContextManager[Leadership | None]:
        """Wait to lead under `leader/<name>/`; None when `stop` was set first."""


class Engine(Protocol):
    """The Docker Engine of this node."""

    def info(self) -> EngineInfo: ...
    def containers(
        self, project: str | None = None, known: Mapping[str, ContainerState] | None = None
    ) -> tuple[ContainerState, ...]:
        """Containers that carry Compose's project label, stopped ones too; one-off runs left out.

        Of one project in full; of all, only what the engine's list says (no exit code, probe, limits, networks' state).

        Args:
            known: id to a full state from before, which stands where the engine's list says nothing else.
        """

    def running(self) -> tuple[ContainerState, ...]:
        """Every running container of this host, whosever, as listed; `image` by a name with its tag, if it has one."""

    def image(self, reference: str) -> ImageFacts | None:
        """None when this engine does not hold it."""

    def pull(self, reference: str) -> ImageFacts: ...
    def keep(self, image_id: str, name: str) -> None:
        """Tag the image so that a prune of dangling images leaves it."""

    def unkeep(self, repository: str) -> None:
        """Take away every tag that `keep` gave below this repository name; images nobody else names go with it."""

    def remove(self, container_id: str) -> None:
        """Stop and remove one container; its named volumes stay. Nothing happens when it is gone already."""

    def logs(
        self,
        container_id: str,
        tail: int,
        follow: bool = False,
        since: datetime | None = None,
        stop: Event | None = None,
    ) -> Iterator[str]: ...
    def events(self, stop: Event) -> Iterator[EngineEvent]:
        """Container events from now on; ends when `stop` is set, raises EngineError when the engine goes away.

        The first says `connected`: what is listed after it and what follows leave no gap.
        """

    def owners(self) -> Mapping[str, Mapping[str, str]]:
        """`volumes` and `networks`: the name of each to the Compose project that it was made for, "" for none."""

    def stats(self, project: str) -> tuple[Mapping[str, object], ...]:
        """Per running container: name, service, cpu_seconds (so far), memory, memory_limit (bytes), pids, at."""

    def stray_projects(self) -> tuple[StrayProject, ...]:
        """Compose projects on this host that carry no label of ours."""


class Packages(Protocol):
    """The packages of this host."""

    def installed(self) -> Mapping[str, str]:
        """Name to version of what is fully installed.

        Raises:
            BackendError: it cannot be asked.
        """

    def stamp(self) -> int:
        """A number that differs once `installed` may."""


class SharedTree(Protocol):
    """The file system that all hosts of a site share, by what proves it: the cluster's token in a file at its root.

    Both return in bounded time, whatever the file system does.
    """

    def prove(self, token: str, name: str) -> Proof:
        """Compare, then write and read back a file of `name`."""

    def mark(self, token: str) -> Proof:
        """Put the token there where there is none; one that is there stays, and is compared."""


class Compose(Protocol):
    """Docker Compose v2."""

    def render(self, files: ProjectFiles, directory: str = "") -> Mapping[str, object]:
        """What `docker compose config` makes of the files: canonical, as JSON values, every `$` doubled.

        What a config or secret reads from a file or `.env` stands in its `content` (`x-file`: where it came from); a
        bind of a project file is such a config too, and a bind of a project directory one with `x-files`, path to text.

        Args:
            directory: where the project lives on its own host, so that the binds of its paths stay as they are.
        Raises:
            Invalid: Compose refused the files; its own words, paths relative to the project.
        """

    def wait(self, project: str, stop: Event) -> None:
        """Until what an earlier program of ours left running on the project has ended, by itself within its own limit.

        Raises:
            ComposeError: `stop` was set before that.
        """

    def up(
        self,
        project: str,
        text: str,
        services: Sequence[str],
        stop: Event,
        force: bool = False,
        limit_s: float = 3600.0,
        keep: bool = False,
    ) -> Iterator[str]:
        """Create or recreate what differs; progress line by line. With `services`, those alone.

        Args:
            force: recreate them even if Compose sees no difference.
            keep: recreate none: Compose sees a difference where a service is brought up without those it depends on.
        Raises:
            ComposeError: it ended badly, was stopped, or was not through within `limit_s`.
        """

    def run(self, verb: str, project: str, text: str, services: Sequence[str] = (), stop: Event | None = None) -> None:
        """One of `stop`, `unpause`, `down`, `down-volumes`.

        Without a text, Compose goes by the labels of what is there.

        Raises:
            ComposeError: it ended badly, or `stop` was set before it was through.
        """

    def hashes(self, text: str) -> Mapping[str, str]:
        """Compose's own configuration hash of each service."""


class Nodes(Protocol):
    """Live reads from agents, over mutual TLS."""

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]: ...
    def logs(
        self, node: str, container_id: str, tail: int, follow: bool = False, since: datetime | None = None
    ) -> Iterator[str | None]:
        """Line by line; None where a log that is followed has been silent for some seconds."""

    def stats(self, node: str, project: str) -> Sequence[Mapping[str, object]]: ...
    def stray_projects(self, node: str) -> tuple[StrayProject, ...]: ...


class Registry(Protocol):
    """Image registries, read without pulling."""

    def image(self, reference: str) -> ImageFacts | None: ...


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


class Playbooks(Protocol):
    """Ansible on this app server: what may be run, on which hosts, and running it."""

    def list(self) -> tuple[Playbook, ...]:
        """By their names. One that cannot be read says so."""

    def inventory(self) -> Inventory:
        """May be some seconds old.

        Raises:
            PlaybookError: it cannot be read.
        """

    def hosts(self, playbook: str, limit: Sequence[str], variables: Mapping[str, object]) -> tuple[str, ...]:
        """The hosts that the plays of a playbook are for, within `limit` (empty: all); in order, each once.

        Args:
            variables: extra ones, which a pattern of hosts may depend on.

        Raises:
            Invalid: what Ansible says against the playbook or the limit.
        """

    def run(self, job: PlayJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        """News as they come, and an empty one now and then; the end is the last.

        Whoever leaves the iteration kills Ansible, as `stopped` does, which is asked several times a second; what
        Ansible started on the hosts may live on. Ends with this process in any case, even if that is killed. To be
        iterated in the thread that began it.

        Raises:
            PlaybookError: Ansible could not be run.
        """

    def sweep(self, mark: str, hosts: Sequence[str]) -> Mapping[str, str]:
        """End what a play of this mark left running on its hosts: host to what came of it, in words.

        Raises:
            PlaybookError: Ansible could not be run.
        """

    def tidy(self) -> None:
        """Remove files of earlier runs: called when none is under way."""


class Bmc(Protocol):
    """The board that manages a host's hardware, logged in to. Each call ends in bounded time, or raises BmcError."""

    @property
    def used(self) -> str:
        """The password that we are logged in with."""

    def accounts(self) -> Accounts: ...
    def proves(self, name: str, password: str) -> bool:
        """Whether an enabled user logs in with this password: one log-in, which the board may count."""

    def takes_hash(self, slot: str, hashed: str, salt: str) -> bool:
        """Whether the account's password is kept as this hash already."""

    def create(self, account: Account, password: str) -> None:
        """Slot `new`: the board chooses. What is made is as wanted, or is not there.

        Raises:
            BmcError: refused; also where all slots are taken.
        """

    def password(self, account: Account, password: str) -> None:
        """Not yet proven. Where the account is ours, we go on with whichever password logs in."""

    def password_hash(self, account: Account, hashed: str, salt: str) -> None: ...
    def change(self, account: Account) -> None:
        """Privilege and whether it is enabled, as the account says; a lock is taken away."""

    def delete(self, account: Account) -> None:
        """The slot is free again."""

    def power(self) -> str:
        """`on` or `off`."""

    def set_power(self, action: str) -> None:
        """`on`, `off` (at once, without asking the system) or `cycle`. `power` tells when it is done."""

    def boot(self) -> Boot: ...
    def set_boot(self, boot: Boot) -> None: ...


class Boards(Protocol):
    def open(self, login: Login) -> AbstractContextManager[Bmc]:
        """A log-in with the first password that is taken.

        Raises:
            LoginRefused: none is.
            BmcError: it does not answer in time, or with what is neither IPMI nor Redfish.
        """


class Sealer(Protocol):
    """Secrets at rest. The same text in the same place gives the same seal, so that plans compare."""

    def seal(self, text: str, place: str) -> str: ...
    def open(self, sealed: str, place: str) -> str:
        """
        Raises:
            SealError: not sealed with this key, for this place.
        """


class Passwords(Protocol):
    """Hashes of passwords: slow on purpose, and bounded in how many are made at once."""

    def hash(self, password: str) -> str: ...
    def verify(self, hashed: str, password: str) -> bool:
        """Takes as long for an empty hash, which nothing fits."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""

    def sleep(self, seconds: float) -> None: ...
