"""git push between real processes: git at the one end, a container on this engine at the other.

What a push is told, line by line, is in `test_push.py`; here is what becomes of the containers and the record.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from tests.lab.git import Copy, Said
from tests.lab.processes import Servers
from tests.lab.shops import SLOW, Shop, shop


@pytest.fixture(scope="module")
def our_shop(shared_servers: Servers, tmp_path_factory: pytest.TempPathFactory, test_image: str) -> Iterator[Shop]:
    with shop(shared_servers, tmp_path_factory.mktemp("shop"), test_image) as found:
        yield found


@pytest.fixture
def ours(servers: Servers, our_shop: Shop) -> Shop:
    """An application that this module's tests push to, one after the other."""
    return our_shop


@pytest.fixture(scope="module")
def slow_shop(shared_servers: Servers, tmp_path_factory: pytest.TempPathFactory, test_image: str) -> Iterator[Shop]:
    with shop(shared_servers, tmp_path_factory.mktemp("slow"), test_image, SLOW) as found:
        yield found


@pytest.fixture
def slow(servers: Servers, slow_shop: Shop) -> Shop:
    """One whose container takes two seconds to become healthy."""
    return slow_shop


@pytest.fixture
def copy(ours: Shop) -> Copy:
    return ours.copy()


def test_a_push_ends_with_the_container_healthy_and_its_values_explained(ours: Shop, copy: Copy) -> None:
    """When `git push` returns, the new container runs, and its value names the commit, the file and the line."""
    commit = copy.commit(ours.says("first"), "a greeting")
    said = copy.push()
    assert said.code == 0, said.err
    assert said.remote[-1] == "rolled out: 1 of 1"
    assert ours.greets() == "first"
    assert ours.in_force() == commit
    explained = ours.servers.api.get(f"applications/default/{ours.name}/explain").json()["items"]
    sources = [str(row["source"]) for row in explained if row["key"] == "GREETING"]
    assert len(sources) == 1 and f"{ours.path}:1" in sources[0] and commit[:6] in sources[0], explained
    assert commit in ours.page()


def test_a_fault_refuses_the_push_whole_with_file_and_line(ours: Shop, copy: Copy) -> None:
    """The good change of the same push is not made either; the reason is on the audit, the container is untouched."""
    before, container, head = ours.state(), ours.container(), copy.head
    copy.commit({**ours.says("never"), "default/other.yml": "environment: {A: b}\nmem_limt: 1G\n"})
    said = copy.push()
    assert said.code != 0
    assert any(re.match(r"default/other\.yml:2: mem_limt: .*mem_limit\?", line) for line in said.remote), said.err
    assert said.remote[-1] == "refused: 1 fault, nothing was changed"
    assert ours.state() == before
    assert ours.container() == container
    assert ours.copy().head == head
    assert "default/other.yml:2" in ours.refusals()[0]


def link(copy: Copy) -> str:
    (copy.path / "web.yml").symlink_to("/etc/shadow")
    return copy.commit({})


def unpacked(copy: Copy) -> str:
    copy.git("config", "core.compression", "0")
    return copy.commit({"a.bin": random.Random(1).randbytes(50 << 20)})


def submodule(copy: Copy) -> str:
    copy.git("update-index", "--add", "--cacheinfo", f"160000,{copy.head},x")
    copy.git("commit", "-q", "-m", "submodule")
    return copy.head


def climbing(copy: Copy) -> str:
    return copy.commit_tree(copy.tree(("100644", "../x", "mem_limit: 1G\n")), copy.head)


BAD: dict[str, tuple[Callable[[Copy], str], str]] = {
    "a blob of 50 MB": (unpacked, "pack exceeds maximum allowed size"),
    "a blob of 50 MB that packs": (lambda c: c.commit({"a.bin": b"\0" * (50 << 20)}), "a.bin: is 50 MiB; files over"),
    "a file named ../x": (climbing, "fullPathname"),
    "a symbolic link": (link, "web.yml: is a symbolic link; only regular files are read here"),
    "a submodule": (submodule, "x: is a submodule; only regular files are read here"),
    "no UTF-8": (lambda c: c.commit({"web.yml": b"a: 1\nb: caf\xe9\n"}), "web.yml:2: is not UTF-8"),
    "a name that is no UTF-8": (
        lambda c: c.commit_tree(c.tree(("100644", "caf\udce9.yml", "mem_limit: 1G\n")), c.head),
        "caf\\xe9.yml: its name is not UTF-8",
    ),
    "huge YAML": (lambda c: c.commit({"web.yml": "a: 1\n" * (1 << 19)}), "web.yml: is 2.5 MiB; files over 1 MiB"),
    "YAML that grows": (
        lambda c: c.commit({"web.yml": "a: &a [x]\n" + "".join(f"k{n}: &k{n} [*a,*a]\n" for n in range(9))}),
        "web.yml:",
    ),
}


@pytest.mark.parametrize(("make", "why"), BAD.values(), ids=BAD.keys())
def test_what_no_repository_of_configuration_may_hold_is_refused(
    ours: Shop, copy: Copy, make: Callable[[Copy], str], why: str
) -> None:
    """With a reason that names it; nothing moves, nothing is kept, the server answers on."""
    before, container, head = ours.state(), ours.container(), copy.head
    said = copy.push("origin", f"{make(copy)}:main")
    assert said.code != 0
    assert why in said.err, said.err
    assert ours.state() == before
    assert ours.container() == container
    assert ours.copy().head == head


def test_a_push_larger_than_any_other_request_is_taken(ours: Shop, copy: Copy) -> None:
    """Twelve megabytes of files that are each within bounds: git's limit counts here, not that of a form."""
    pictures = random.Random(2)
    commit = copy.commit({f"pictures/{n}.bin": pictures.randbytes(1_000_000) for n in range(12)})
    said = copy.push()
    assert said.code == 0, said.err
    assert said.remote[-1] == "no container changes"
    assert ours.in_force() == commit


def test_neither_force_nor_deletion_takes_what_is_in_force_away(ours: Shop, copy: Copy) -> None:
    """Both are refused with what to do instead; the container runs on as it is."""
    copy.commit(ours.says("kept"))
    copy.push(check=True)
    container = ours.container()
    copy.git("reset", "-q", "--hard", "HEAD~1")
    copy.commit(ours.says("forced"))
    forced, deleted = copy.push("--force", "origin", "HEAD:main"), copy.push("origin", ":main")
    assert forced.code != 0 and "(a forced push): revert it instead" in forced.err
    assert deleted.code != 0 and "it cannot be deleted" in deleted.err
    assert (ours.container(), ours.greets()) == (container, "kept")


def test_of_two_pushes_at_once_one_is_rolled_out_and_one_told_to_merge(ours: Shop) -> None:
    """Nothing starts twice, and what runs is what the winner wrote."""
    copies = [ours.copy(), ours.copy()]
    for number, copy in enumerate(copies):
        copy.commit(ours.says(f"by-{number}"))
    before = ours.show()["latest"]
    said: dict[int, Said] = {}
    threads = [Thread(target=lambda n=n: said.__setitem__(n, copies[n].push())) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner, loser = sorted(said, key=lambda n: said[n].code)
    assert said[winner].code == 0 and said[loser].code != 0
    assert "fetch" in said[loser].err
    assert ours.greets() == f"by-{winner}"
    assert ours.in_force() == copies[winner].head
    assert ours.show()["latest"] == int(str(before)) + 1


def test_a_push_during_a_deployment_overtakes_it(slow: Shop, test_image: str) -> None:
    """A deployment by the API is under way: the push says so, and both files' changes are in what runs at the end."""
    copy = slow.copy()
    commit = copy.commit(slow.says("pushed"))
    compose = (
        f"services:\n  web:\n    image: {test_image}\n    stop_grace_period: 0s\n    mem_limit: 64M\n"
        f"    healthcheck: {SLOW}\n"
    )
    begun = slow.servers.api.post("applications", {"name": slow.name, "compose": compose})
    assert begun.status_code == 202, begun.text
    said = copy.push()
    assert said.code == 0, said.err
    assert any(line.startswith("  supersedes revision") for line in said.remote), said.err
    assert said.remote[-1] == "rolled out: 1 of 1", said.err
    assert slow.servers.api.wait(begun.json()["id"])["state"] == "superseded"
    slow.settles_on(commit, "pushed")
    project = slow.servers.api.get(f"applications/default/{slow.name}/revisions/{slow.show()['revision']}").json()
    assert "67108864" in str(project)


def test_a_failed_rollout_is_told_and_what_ran_before_runs_again(ours: Shop, copy: Copy) -> None:
    """The push is taken, since its files are sound; the terminal has the causes, and a push that mends it works."""
    copy.commit(ours.says("good"))
    copy.push(check=True)
    copy.commit({ours.path: 'environment: {GREETING: bad}\ncommand: ["/bin/busybox", "false"]\n'})
    said = copy.push()
    assert said.code == 0
    assert any("FAILED; what ran before is put back" in line for line in said.remote), said.err
    assert any("exit code 1" in line for line in said.remote), said.err
    assert ours.greets() == "good"
    commit = copy.commit(ours.says("mended"))
    assert copy.push().remote[-1] == "rolled out: 1 of 1"
    ours.settles_on(commit, "mended")


def test_a_token_in_the_url_works_and_is_told_to_nobody(ours: Shop, copy: Copy) -> None:
    """As people in a hurry clone: it is in no log, no audit and no line of the terminal but git's own."""
    bare = Copy(copy.path, copy.url)
    url = copy.url.replace("://", f"://root:{ours.servers.token}@")
    bare.commit(ours.says("by-url"))
    said = bare.push(url, "HEAD:main")
    assert said.code == 0, said.err
    secret = ours.servers.token.rpartition("_")[2]
    assert secret not in "\n".join(said.remote)
    assert secret not in ours.servers.serve.log
    assert secret not in ours.servers.api.get("audit", limit=500).text


def test_a_push_is_planned_and_not_made_with_o_plan(ours: Shop, copy: Copy) -> None:
    """The plan is shown, the push declined; the same commit can be pushed after."""
    container = ours.container()
    copy.commit(ours.says("planned"))
    said = copy.push("-o", "plan", "origin", "HEAD:main")
    assert said.code != 0
    assert any("GREETING" in line and "planned" in line for line in said.remote), said.err
    assert said.remote[-1] == "plan only: nothing was changed"
    assert ours.container() == container


def test_who_goes_away_in_the_middle_does_not_stop_the_rollout(slow: Shop) -> None:
    """A closed laptop: what was accepted is carried out."""
    copy = slow.copy()
    commit = copy.commit(slow.says("alone"))
    process = subprocess.Popen(
        ["git", "push", "origin", "HEAD:main"],
        cwd=copy.path, env=copy.environment, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if b"recreate" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    slow.settles_on(commit, "alone")
