"""What stands in for the world where a test is to decide it: time, and what a password costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from appserver.adapters.memory import MemoryKV
from appserver.adapters.passwords import Argon2
from appserver.core.access import Caller, Role
from appserver.services.access import Access
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.sessions import Sessions
from appserver.services.throttle import Throttle
from appserver.services.tokens import Tokens
from appserver.services.users import Users

START = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
CHEAP = Argon2(memory_kib=64, passes=1)
"""Real argon2 at a cost that hundreds of tests can pay."""

PASSWORD = "correct horse"


@dataclass(slots=True)
class HandClock:
    """Stands until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.pass_by(seconds=seconds)

    def seconds(self) -> float:
        """As `time.monotonic`, for leases and waits."""
        return (self.at - START).total_seconds()

    def pass_by(self, **times: float) -> None:
        """`pass_by(hours=2)`"""
        self.at += timedelta(**times)


@dataclass(slots=True)
class Desk:
    """Users, tokens, sessions and the audit over a store in memory, with a clock in hand."""

    clock: HandClock = field(default_factory=HandClock)
    kv: MemoryKV = field(init=False)
    audit: Audit = field(init=False)
    events: Events = field(init=False)
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        self.kv = MemoryKV(now=self.clock.seconds)
        self.audit = Audit(kv=self.kv, clock=self.clock)
        self.events = Events(kv=self.kv, clock=self.clock)
        self.access = Access(
            kv=self.kv,
            passwords=CHEAP,
            users=Users(kv=self.kv, passwords=CHEAP, audit=self.audit, clock=self.clock),
            tokens=Tokens(kv=self.kv, audit=self.audit, clock=self.clock),
            sessions=Sessions(kv=self.kv, clock=self.clock),
            audit=self.audit,
            throttle=Throttle(self.clock.seconds),
        )

    def person(self, name: str, role: Role = "admin") -> Caller:
        """Somebody with an account whose password is `PASSWORD`, logged in."""
        root = Caller("root", "admin")
        users = self.access.users
        first = not self.kv.snapshot("users/").items and role == "admin"
        users.accept(users.set_up_link("test") if first else users.invite(root, name, role), name, PASSWORD)
        return Caller(name, role, "192.0.2.1", "session")

    def entries(self) -> list[tuple[str, str, str, str]]:
        """The audit, oldest first: who, did what, to what, how it ended."""
        page = self.audit.list(Caller("root", "admin"), limit=500)
        return [(e.user, e.action, e.subject, e.result) for _, e in reversed(page.items)]
