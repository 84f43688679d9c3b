"""The updater and its workers in any order: what each decides is written as they write it, guarded by the request.

The store is a few fields. Workers look, and act on what they saw later, when others have acted meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appserver.core import rollout, rollout_worker
from appserver.core.release import ReleaseStep
from appserver.core.rollout import Seen, completed
from appserver.core.rollout_record import Request, Status
from appserver.core.rollout_worker import Mine, Sight

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STEPS = (
    ReleaseStep("fetch", "a.yml"),
    ReleaseStep("etcd", "b.yml", "one"),
    ReleaseStep("agent", "c.yml", waves=(1, 2)),
)
SERVERS = (0, 1, 2, 10)
WORKERS = st.sampled_from((*SERVERS, 11))


class Updates(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.registered = SERVERS
        self.release = "2026.11.01-1"
        self.request: Request | None = None
        self.revision = 0
        """Of the request: each write of it is a new one."""
        self.run = 0
        self.statuses: dict[int, Status] = {}
        self.sights: dict[int, tuple[int, int, Sight]] = {}
        """By worker: run and revision of what it saw last."""
        self.mine: dict[int, tuple[int, Mine]] = {}
        """By worker: the run it acts in, and what it does."""
        self.finished: set[tuple[int, int, int]] = set()
        """Run, step, server."""

    # The updater

    @rule(overdue=st.booleans())
    def update(self, overdue: bool) -> None:
        seen = Seen(self.registered, self.release, self.request, dict(self.statuses), overdue)
        action = rollout.decide(seen, NOW)
        if action.request is None:
            return
        if action.kind != "request-stop":
            assert self.request is None or all(completed(self.request, self.statuses[n]) for n in self.request.servers)
            assert not self.busy(), "an update is asked for while another one runs"
            self.run += 1
        self.request = action.request
        self.revision += 1
        if action.clear:
            self.statuses.clear()

    @rule(number=st.integers(2, 9))
    def find_release(self, number: int) -> None:
        found = f"2026.11.01-{number}"
        self.release = max(self.release, found)

    @rule(servers=st.sampled_from([SERVERS, (0, 1), (0, 1, 2, 10, 11), (1, 2, 10)]))
    def register(self, servers: tuple[int, ...]) -> None:
        self.registered = servers

    # People

    @precondition(lambda self: self.request and not self.request.stop)
    @rule()
    def stop(self) -> None:
        assert self.request
        self.request = replace(self.request, stop=True)
        self.revision += 1

    @precondition(lambda self: self.request and self.request.stop and not self.busy())
    @rule()
    def recover(self) -> None:
        self.request = None
        self.revision += 1
        self.statuses.clear()

    # Workers

    @rule(lrn=WORKERS)
    def look(self, lrn: int) -> None:
        self.sights[lrn] = self.run, self.revision, Sight(lrn, self.request, dict(self.statuses), STEPS)

    @rule(lrn=WORKERS)
    def act(self, lrn: int) -> None:
        if lrn not in self.sights:
            return
        run, revision, sight = self.sights.pop(lrn)
        in_run, mine = self.mine.get(lrn, (run, Mine()))
        if in_run != run and mine.doing != "running":
            mine = Mine()
        move = rollout_worker.decide(sight, mine)
        if move.kind == "cancel":
            self.mine[lrn] = in_run, Mine()
        if revision != self.revision:  # what it decided on is no more: nothing is written, and nothing begins
            return
        if move.status:
            self.statuses[lrn] = move.status
        if move.kind == "run":
            self.begins(run, move.step, lrn)
            self.mine[lrn] = run, Mine("running", move.step)

    @rule(times=st.integers(1, 4), slow=WORKERS)
    def go_on(self, times: int, slow: int) -> None:
        """All but one, who is in the middle of something: so that interleavings begin deep in an update."""
        self.update(overdue=False)
        for _ in range(times):
            for lrn in (*SERVERS, 11):
                self.look(lrn)
                self.act(lrn)
                if lrn != slow:
                    self.finish(lrn, well=True)

    def begins(self, run: int, step: int, lrn: int) -> None:
        assert self.request
        assert not self.request.stop, "a step begins after the stop"
        for other, (in_run, mine) in self.mine.items():
            if mine.doing == "running":
                assert in_run == run, "steps of two updates run at once"
                if STEPS[step - 1].scope == "one":
                    assert other == lrn, "two servers are at a step for one at a time"
        for before in range(1, step):
            assert all((run, before, other) in self.finished for other in self.request.servers), (
                "a step begins before all are through with the one before"
            )

    @rule(lrn=WORKERS, well=st.sampled_from([True, True, True, True, False]))
    def finish(self, lrn: int, well: bool) -> None:
        run, mine = self.mine.get(lrn, (0, Mine()))
        if mine.doing == "running":
            self.mine[lrn] = run, Mine("done" if well else "failed", mine.step, "" if well else "it broke")
            if well:
                self.finished.add((run, mine.step, lrn))

    @rule(lrn=WORKERS)
    def restart(self, lrn: int) -> None:
        """What ran ends with it; the step is done again."""
        self.mine.pop(lrn, None)
        self.sights.pop(lrn, None)

    # What has to hold

    def busy(self) -> list[int]:
        return [lrn for lrn, (_, mine) in self.mine.items() if mine.doing == "running"]

    @invariant()
    def what_is_complete_was_done(self) -> None:
        if self.request and all(completed(self.request, self.statuses.get(n)) for n in self.request.servers):
            done = {(step, lrn) for run, step, lrn in self.finished if run == self.run}
            assert done >= {(step, lrn) for step in range(1, len(STEPS) + 1) for lrn in self.request.servers}

    def teardown(self) -> None:
        """From whatever came of it: stopped and recovered, an update completes."""
        if self.request and not self.request.stop:
            self.stop()
        for lrn in (*SERVERS, 11):
            self.restart(lrn)
        if self.request:
            self.recover()
        for _ in range(200):
            self.update(overdue=False)
            for lrn in (*SERVERS, 11):
                self.look(lrn)
                self.act(lrn)
                self.finish(lrn, well=True)
            seen = Seen(self.registered, self.release, self.request, self.statuses)
            if rollout.decide(seen, NOW).reason == f"all servers are at {self.release}":
                return
        raise AssertionError(f"no update completed: {self.request} {self.statuses}")


TestUpdates = Updates.TestCase
TestUpdates.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
