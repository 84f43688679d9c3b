"""Runs of playbooks in every state, for the pages: a real service over a store in memory, and an Ansible of words."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime

from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.playbooks import Inventory, Part, Playbook
from appserver.core.plays import Play, PlayJob, PlayNews, Tally
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.play_output import Output, Said
from appserver.services.plays import Plays
from appserver.store import plays as keys
from appserver.store.codec import encode
from tests.fakes import HandClock
from tests.web.values import EVIL, ago

HOSTS = ("harbour-1", "harbour-2", "quay-7")
SITE = Playbook(
    "site.yml",
    "d1",
    "From a bare Debian host to a recorded boot server.",
    "From a bare Debian host to a recorded boot server.\nRun again, nothing changes.",
    (Part("Facts of the hosts", "all", ("always",)), Part("Docker Engine and Compose", "bootservers", ("engine",))),
)
ROTATE = Playbook("rotate.yml", "d2", "New passwords.", "New passwords.", (Part("Rotate", "all"),), ("new_password",))
BROKEN = Playbook("broken.yml", "d3", error="is not YAML: line 2")
SAID = f"""
PLAY [Facts of the hosts] ******************************************************

TASK [Gathering Facts] *********************************************************
ok: [harbour-1]
changed: [harbour-2]
fatal: [quay-7]: UNREACHABLE! =>
    msg: 'ssh: connect to host quay-7 port 22: {EVIL}'"""


class Words:
    """`ports.Playbooks` that is never asked to run anything."""

    def list(self) -> tuple[Playbook, ...]:
        return (BROKEN, ROTATE, SITE)

    def inventory(self) -> Inventory:
        return Inventory(
            dict.fromkeys(HOSTS, ("all", "bootservers")), {"all": HOSTS, "bootservers": HOSTS, "etcd": HOSTS[:1]}
        )

    def hosts(self, playbook: str, limit: Sequence[str], variables: Mapping[str, object]) -> tuple[str, ...]:
        return HOSTS

    def run(self, job: PlayJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        yield from ()

    def sweep(self, mark: str, hosts: Sequence[str]) -> Mapping[str, str]:
        return {}

    def tidy(self) -> None:
        """Nothing is left."""


def plays() -> Plays:
    kv, clock, sealer = MemoryKV(), HandClock(ago(minutes=0)), KeySealer(bytes(32))
    for play in _plays():
        puts = {keys.play(play.number): encode(play)}
        puts |= {keys.end(play.number): play.state} if play.is_over else {keys.queue(play.number): ""}
        kv.commit({}, puts)
        if play.lines:
            said = Output(kv, sealer, Said(play.number, play.mark))
            said.add(SAID)
            said.write()
    kv.commit({}, dict.fromkeys(map(keys.lock, HOSTS), "5"))
    events = Events(kv=kv, clock=clock)
    return Plays(kv=kv, playbooks=Words(), sealer=sealer, audit=Audit(kv=kv, clock=clock), events=events, clock=clock)


def _plays() -> tuple[Play, ...]:
    def one(number: int, at: datetime, hosts: tuple[str, ...] = HOSTS, **more: object) -> Play:
        return Play(number, "site.yml", "d1", "ada", at, hosts, f"mark{number}", **more)  # type: ignore[arg-type]

    good = {HOSTS[0]: Tally(12, 3, skipped=2), HOSTS[1]: Tally(12, 1, skipped=2), HOSTS[2]: Tally(12, 0)}
    bad = {**good, HOSTS[1]: Tally(4, 1, failed=1), HOSTS[2]: Tally(0, unreachable=1)}
    server = "http://harbour-1:8080"
    times = {"server": server, "began_at": ago(hours=5), "ended_at": ago(hours=4), "lines": 9}
    left = {HOSTS[0]: "processes ended: 3", HOSTS[1]: f"could not be looked at: {EVIL}"}
    return (
        one(1, ago(days=3), state="done", rc=0, check=True, diff=True, tallies=good, **times),
        one(
            2,
            ago(days=2),
            state="failed",
            rc=2,
            why="failed on 2 of 3 hosts: harbour-2, quay-7",
            tallies=bad,
            reason=f"new engine {EVIL}",
            tags=("engine",),
            limit=("bootservers", "!quay-8"),
            shown_vars={"engine_version": "26.1.5", "registry_password": "***", "pools": [{"base": "10.1.0.0/16"}]},
            **times,
        ),
        one(3, ago(days=1), state="cancelled", why="cancelled by ada", cancelled_by="ada", left=left, **times),
        one(4, ago(hours=6), state="lost", why=f"its app server {server} went away in mid-play; run it again", **times),
        one(
            5,
            ago(minutes=2),
            state="running",
            server=server,
            began_at=ago(minutes=2),
            task="The engine is installed",
            tallies=good,
            lines=9,
        ),
        one(6, ago(minutes=1), hosts=HOSTS[:1]),
    )
