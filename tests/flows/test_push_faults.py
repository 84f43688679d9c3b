"""Killed in the middle of a push: app server, agent, etcd. What the branch says is what runs in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.lab.etcd import Cluster
from tests.lab.git import Copy
from tests.lab.processes import Servers, app_server
from tests.lab.shops import SLOW, Shop, shop
from tests.lab.wait import wait_until


@pytest.fixture(scope="module")
def pair(etcd: Cluster) -> Iterator[Servers]:
    with app_server(etcd, "/push-faults/") as started:
        yield started


@pytest.fixture(scope="module")
def slow_shop(pair: Servers, tmp_path_factory: pytest.TempPathFactory, test_image: str) -> Iterator[Shop]:
    with shop(pair, tmp_path_factory.mktemp("slow"), test_image, SLOW) as found:
        yield found


@pytest.fixture(scope="module")
def quick_shop(pair: Servers, tmp_path_factory: pytest.TempPathFactory, test_image: str) -> Iterator[Shop]:
    with shop(pair, tmp_path_factory.mktemp("quick"), test_image) as found:
        yield found


@pytest.fixture
def slow(pair: Servers, slow_shop: Shop) -> Shop:
    """Its service takes two seconds to become healthy: time to hurt something."""
    pair.ensure_up()
    return slow_shop


@pytest.fixture
def quick(pair: Servers, quick_shop: Shop) -> Shop:
    pair.ensure_up()
    return quick_shop


_numbers = count(1)


def pushing(copy: Copy) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["git", "push", "origin", "HEAD:main"], cwd=copy.path, env=copy.environment, stderr=subprocess.PIPE
    )


def until_told(process: subprocess.Popen[bytes], word: bytes) -> list[bytes]:
    """What the pusher's terminal showed up to the line with `word`."""
    told: list[bytes] = []
    assert process.stderr is not None
    for line in process.stderr:
        told.append(line)
        if word in line:
            return told
    raise AssertionError(f"never told {word!r}: {told}")


def ended(process: subprocess.Popen[bytes]) -> int:
    assert process.stderr is not None
    process.stderr.read()
    process.stderr.close()
    return process.wait(60)


def kill_agent(pair: Servers, _: Cluster) -> None:
    pair.kill_agent()
    pair.agent.start()


def kill_etcd(_: Servers, etcd: Cluster) -> None:
    member = etcd.members[0]
    member.kill()
    member.start()


@pytest.mark.parametrize("hurt", [kill_agent, kill_etcd])
def test_a_rollout_that_a_push_began_ends_well(
    pair: Servers, etcd: Cluster, slow: Shop, hurt: Callable[[Servers, Cluster], None]
) -> None:
    """kill -9 while the pusher watches: the commit stays in force, its container comes up, once."""
    copy = slow.copy()
    greeting = f"g{next(_numbers)}"
    commit = copy.commit(slow.says(greeting))
    latest = slow.show()["latest"]
    process = pushing(copy)
    until_told(process, b"health is starting")
    hurt(pair, etcd)
    ended(process)
    slow.settles_on(commit, greeting)
    assert slow.show()["latest"] == int(str(latest)) + 1


def kill_serve(pair: Servers) -> None:
    pair.kill_serve()
    pair.serve.start()


def kill_worker(pair: Servers) -> None:
    """Its arbiter starts another; the git processes of the dead one live on, and ask nobody."""
    assert pair.serve.process is not None
    asked = ("ps", "-o", "pid=", "--ppid", str(pair.serve.process.pid))
    for child in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split():
        os.kill(int(child), signal.SIGKILL)
    wait_until(lambda: pair.api.get("/readyz").status_code == 200, "another worker is ready", 20)


@pytest.mark.parametrize(
    ("kill", "after_ms"), [(kill_serve, 0), (kill_serve, 50), (kill_serve, 110), (kill_worker, 50), (kill_worker, 80)]
)
def test_whenever_the_app_server_is_killed_record_branch_and_container_agree(
    pair: Servers, quick: Shop, kill: Callable[[Servers], None], after_ms: int
) -> None:
    """Before the check, in it, between the reference and the record, after: no half of a push is ever left."""
    copy = quick.copy()
    before, greeted = copy.head, quick.greets()
    greeting = f"g{next(_numbers)}"
    commit = copy.commit(quick.says(greeting))
    process = pushing(copy)
    time.sleep(after_ms / 1000)  # the moment is what varies here; there is nothing to wait for
    kill(pair)
    ended(process)
    head = quick.copy().head
    assert head in (before, commit)
    quick.settles_on(head, greeting if head == commit else greeted)
    if head == before:
        assert copy.push().code == 0, "the same push is taken when it is made again"
        quick.settles_on(commit, greeting)


def test_without_etcd_a_push_fails_in_words_and_nothing_moves(pair: Servers, etcd: Cluster, quick: Shop) -> None:
    """The store is away: who pushes cannot even be known, so git is not let in; all is well when it is back."""
    copy = quick.copy()
    before, container = copy.head, quick.container()
    greeting = f"g{next(_numbers)}"
    commit = copy.commit(quick.says(greeting))
    member = etcd.members[0]
    member.kill()
    try:
        said = copy.push()
        assert said.code != 0
        assert "502" in said.err, said.err
        assert quick.container() == container
    finally:
        member.start()
    wait_until(lambda: pair.api.get("/readyz").status_code == 200, "ready again", 20)
    assert quick.copy().head == before
    assert copy.push(check=True).remote[-1] == "rolled out: 1 of 1"
    quick.settles_on(commit, greeting)


@pytest.mark.parametrize("after_ms", [40, 90])
def test_whenever_etcd_is_killed_record_branch_and_container_agree(
    pair: Servers, etcd: Cluster, quick: Shop, after_ms: int
) -> None:
    """In the middle of the check, or between the reference and the record: the duty makes up for it."""
    copy = quick.copy()
    before, greeted = copy.head, quick.greets()
    greeting = f"g{next(_numbers)}"
    commit = copy.commit(quick.says(greeting))
    process = pushing(copy)
    time.sleep(after_ms / 1000)  # the moment is what varies here; there is nothing to wait for
    etcd.members[0].kill()
    time.sleep(0.5)  # so long is it away
    etcd.members[0].start()
    ended(process)
    pair.ensure_up()
    head = quick.copy().head
    assert head in (before, commit)
    quick.settles_on(head, greeting if head == commit else greeted, 45)


def test_the_next_push_after_a_kill_waits_for_the_lease_of_the_dead_and_no_longer(pair: Servers, quick: Shop) -> None:
    """Killed with the turn in its hands: whoever pushes next is told why nothing happens yet, and is served."""
    copy = quick.copy()
    copy.commit(quick.says("first"))
    process = pushing(copy)
    until_told(process, b"GREETING")
    pair.kill_serve()
    ended(process)
    pair.serve.start()
    other = quick.copy()
    commit = other.commit(quick.says("second"))
    said = other.push()
    assert said.code == 0, said.err
    quick.settles_on(commit, "second")
