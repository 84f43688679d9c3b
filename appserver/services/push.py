"""git push: who may, what is checked before anything moves, what is rolled out after, and what the terminal shows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event

from appserver.core import push as core
from appserver.core import push_text, refs, sources
from appserver.core.access import Caller, require
from appserver.core.config_tree import Fault
from appserver.core.entities import Source
from appserver.core.refs import RefUpdate
from appserver.errors import AppServerError, Conflict, InvalidMany, NotFound, UserError
from appserver.ports import Repositories, Say
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.operations import Operations
from appserver.services.reconfigure import Begun, Examined, Reconfigure, faults
from appserver.services.source_records import SourceRecords

log = logging.getLogger(__name__)

SOON_S, TURN_S = 1.0, 60.0
"""How long a push waits for the one before it: without a word, and at all."""
WATCH_S = 900.0
"""How long a push shows a rollout; the rollout itself has its own limits."""
_BUS = "bus.cluman.pipeline"
_WATCHED_AT_ONCE = 16


class Push:
    """What `web/git.py` stands on. A read needs R on the source, a push U."""

    def __init__(
        self,
        *,
        repositories: Repositories,
        records: SourceRecords,
        reconfigure: Reconfigure,
        operations: Operations,
        audit: Audit,
        events: Events,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repositories = repositories
        self._records = records
        self._reconfigure = reconfigure
        self._operations = operations
        self._audit = audit
        self._events = events
        self._monotonic = monotonic

    def advertise(self, caller: Caller, name: str, service: str, protocol: str) -> Iterator[bytes]:
        """
        Raises:
            Forbidden, NotFound
        """
        self._hosted(caller, name, "U" if service == "git-receive-pack" else "R")
        return self._repositories.advertise(name, service, protocol)

    def upload(self, caller: Caller, name: str, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
        """A clone or a fetch."""
        self._hosted(caller, name, "R")
        return self._repositories.upload(name, body, protocol)

    def receive(self, caller: Caller, name: str, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
        """A push. What comes back is git's own answer, with our lines in it."""
        source = self._hosted(caller, name, "U")
        return self._repositories.receive(name, body, protocol, _OnePush(self, caller, source))

    def _hosted(self, caller: Caller, name: str, letter: str) -> Source:
        """Whoever may not push is told before git is let in, and is on the audit for having tried."""
        if letter == "U":
            self._audit.require(caller, letter, f"source:{name}", "push")
        else:
            require(caller, letter, f"source:{name}")
        source = self._records.get(name).source
        if source.kind != "hosted":
            raise NotFound(f"{name} is a mirror of a repository elsewhere: push there")
        return source


class _OnePush:
    """`ports.Receiver`. Holds the source's turn from the check until every application's record is written."""

    def __init__(self, push: Push, caller: Caller, source: Source) -> None:
        self._push = push
        self._caller = caller
        self._source = source
        self._held = ExitStack()
        self._fence: Mapping[str, int] = {}
        self._seen: Examined | None = None
        self._began = push._monotonic()

    def check(
        self, updates: Sequence[RefUpdate], options: Sequence[str], environment: Mapping[str, str], say: Say
    ) -> bool:
        detail = ", ".join(f"{update.ref} {refs.short(update.new)}" for update in updates[:5])
        action = "plan push" if "plan" in options else "push"
        try:
            with self._push._audit.of(self._caller, action, f"source:{self._source.name}", detail):
                return self._check(updates, core.plan_only(options), environment, say)
        except UserError as error:
            for line in push_text.refused(faults(error)):
                say(line)
            return False

    def accepted(self, updates: Sequence[RefUpdate], say: Say) -> None:
        push, seen = self._push, self._seen
        ours = refs.tracked(updates, self._source.branch)
        if seen is None or ours is None or ours.new != seen.commit:
            return
        subject = push._repositories.open(self._source.name, "hosted").describe(seen.commit).subject
        reason = f"git push {self._source.name} {refs.short(seen.commit)}: {subject}"
        begun = push._reconfigure.apply(self._caller, seen, self._fence, reason)
        self._held.close()
        detail = {"applications": [str(one.key) for one in begun]}
        push._events.emit(_BUS, "deploy", "INFO", self._source.name, reason, self._caller.name, detail)
        for one in begun:
            if one.why:
                say(push_text.plain(f"{one.key} follows later: {one.why}"))
        self._watch([one for one in begun if one.operation], say)

    def close(self) -> None:
        self._held.close()

    def _check(self, updates: Sequence[RefUpdate], plan_only: bool, environment: Mapping[str, str], say: Say) -> bool:
        push, source = self._push, self._source
        ours = refs.tracked(updates, source.branch)
        if ours is None:
            _refuse(refs.ref_faults(updates, source.branch, None, ()))
            return self._stored(plan_only, say)
        self._fence = self._turn(say)
        repository = push._repositories.open(source.name, "hosted")
        head = repository.head(source.branch)
        held = sources.kept(source, push._records.get(source.name).state)
        loses = [
            commit
            for commit in dict.fromkeys((head, held))
            if ours.new != refs.ZERO and commit and not repository.contains(commit, ours.new, environment)
        ]
        _refuse(refs.ref_faults(updates, source.branch, head, loses))
        seen = push._reconfigure.examine(self._caller, source, ours.new, environment)
        _refuse(seen.faults)
        unread = seen.repository.unreached() if seen.repository else ()
        for line in push_text.checked(source.name, source.branch, seen.commit, seen.checks, unread):
            say(line)
        if plan_only:
            say(core.PLAN_ONLY)
            return False
        self._seen = seen
        return True

    def _turn(self, say: Say) -> Mapping[str, int]:
        turn = self._push._reconfigure.turn
        try:
            return self._held.enter_context(turn(self._source.name, self._caller.name, SOON_S))
        except Conflict:
            say(f"waiting: {self._source.name} is being changed by somebody else")
        return self._held.enter_context(turn(self._source.name, self._caller.name, TURN_S))

    def _stored(self, plan_only: bool, say: Say) -> bool:
        """Other branches and tags are kept and not rolled out."""
        if plan_only:
            say(f"only {self._source.branch} is rolled out; {core.PLAN_ONLY}")
            return False
        say(f"{self._source.name}: stored; only {self._source.branch} is rolled out")
        return True

    def _watch(self, begun: Sequence[Begun], say: Say) -> None:
        """Show each operation until it is over, until nobody looks any more, or until it takes too long."""
        if not begun:
            return
        stop = Event()
        with ThreadPoolExecutor(min(_WATCHED_AT_ONCE, len(begun)), thread_name_prefix="push") as pool:
            shown = [pool.submit(self._follow, one, say, stop) for one in begun]
            ends = self._push._monotonic() + WATCH_S
            while self._push._monotonic() < ends and not say.gone.wait(0.0):
                if not wait(shown, timeout=1.0).not_done:
                    break
            stop.set()
        states = [one.result() for one in shown]
        for one, state in zip(begun, states, strict=True):
            if not state:
                say(push_text.unfinished(one.key, self._push._monotonic() - self._began))
        say(push_text.summary(states))

    def _follow(self, one: Begun, say: Say, stop: Event) -> str:
        """The state an operation ended in, or ""."""
        told = ""
        try:
            for operation in self._push._operations.follow(self._caller, one.operation, 0, stop):
                if operation is None:
                    continue
                if operation.is_over:
                    for line in push_text.ended(operation, self._push._monotonic() - self._began):
                        say(line)
                    return operation.state
                line = push_text.progress(operation)
                if line and line != told:
                    told = line
                    say(line)
        except AppServerError as error:
            log.warning("push watch operation=%s error=%r", one.operation, str(error))
        return ""


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidMany(tuple(faults))
