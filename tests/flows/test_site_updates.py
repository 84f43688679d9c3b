"""A site updates itself by releases that are pushed: etcd, a container of each engine, agents, an application."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.lab.api import Api
from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab
from tests.lab.checkout import ROOT
from tests.lab.git import Copy, clone
from tests.lab.site import SITE, etcdctl, moorage, wait_for_nodes
from tests.lab.site_release import FIRST, LATER, furnish, push
from tests.lab.wait import wait_for_words, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site(whole_site: Lab, release: str) -> Iterator[Lab]:
    archive = ROOT / "build" / f"moorage-{release}.tar"
    for host in whole_site.hosts:
        furnish(host, archive)
    server = whole_site.of("appservers")[0]
    server.run("moorage", "config", "set", "check-update-interval", "2s")
    server.run("moorage", "config", "set", "env", "staging")
    yield whole_site
    server.run("moorage", "config", "unset", "env")


@pytest.fixture(scope="module")
def api(site: Lab) -> Api:
    server = site.of("appservers")[0]
    token = str(moorage(server, "token", "create", "updates", "--scope", "admin")["token"])
    return Api(f"http://{server.address}:8080", token)


@pytest.fixture(scope="module")
def copy(site: Lab, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    server = site.of("appservers")[0]
    return clone(
        tmp_path_factory.mktemp("releases") / "copy",
        f"http://{server.address}:8080/git/releases.git",
        "root",
        api.token,
    )


def standing(api: Api) -> dict[str, Any]:
    return dict(api.get("updates/status").json())


def is_at(api: Api, version: str, servers: Sequence[int] = ()) -> bool:
    """All boot servers are, and these are all. While etcd has no leader, nobody knows."""
    found = standing(api)
    if found.get("process") != "completed" or found["request"]["version"] != version:
        return False
    return not servers or found["request"]["servers"] == [*servers]


def reason(api: Api) -> str:
    return str(standing(api).get("next", {}).get("reason"))


def is_busy(api: Api) -> bool:
    return any(one["busy"] for one in standing(api).get("servers", [{"busy": True}]))


def programs(site: Lab) -> set[str]:
    """Versions of the agents that run."""
    pid = "$(systemctl show -p MainPID --value moorage-agent)"
    ask = f"$(tr '\\0' '\\n' < /proc/{pid}/cmdline | grep -m1 '/bin/moorage$') --version"
    return {host.sh(ask).strip() for host in site.hosts}


def release_of(host: BootHost) -> str:
    return host.run("docker", "inspect", "-f", '{{index .Config.Labels "release"}}', "site-probe").strip()


def test_a_site_is_brought_from_one_release_to_the_next(site: Lab, api: Api, copy: Copy) -> None:
    """Pushed, found, and rolled out by nobody's hand: etcd one member at a time, agents replaced in mid-update."""
    first = push(copy, 1, program=FIRST)
    wait_until(lambda: is_at(api, first), f"all are at {first}", 400)
    assert programs(site) == {FIRST}
    second = push(copy, 2)
    wait_until(lambda: is_at(api, second), f"all are at {second}", 400)
    assert programs(site) == {LATER}
    assert {release_of(host) for host in site.hosts} == {second}
    asked = api.get("applications/default/sample").json()
    assert (asked["revision"], asked["state"]) == (2, "running")
    run = standing(api)
    tries = {one["lrn"]: one["tries"] for one in run["servers"]}
    spans = [
        tuple(datetime.fromisoformat(one[when]) for when in ("began_at", "ended_at"))
        for lrn in sorted(tries)
        for one in tries[lrn]
        if one["name"] == "etcd"
    ]
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans)), spans
    assert len(spans) == len(site.of("etcd"))
    assert {lrn: [one["attempt"] for one in each if one["name"] == "agent"] for lrn, each in tries.items()} == {
        lrn: [1, 2] for lrn in tries
    }
    assert "healthy" in etcdctl(site.of("etcd")[0], "endpoint", "health", "--cluster")


def test_a_server_that_hangs_is_told_of_and_waited_for(site: Lab, api: Api, copy: Copy) -> None:
    """Frozen in mid-update, it is named with what takes it out; thawed, it goes on."""
    host = site.hosts[-1]
    version = push(copy, 3)
    wait_until(lambda: standing(api).get("process") == "running", "it begins", 60)
    host.freeze()
    try:
        wait_for_words(lambda: json.dumps(standing(api)), "its agent is gone", 60)
        assert f"playbooks/retire.yml -e retire={host.hostname}" in reason(api)
    finally:
        host.thaw()
    wait_until(lambda: is_at(api, version), f"all are at {version}", 400)


def test_what_is_stopped_leaves_nothing_and_an_older_release_is_gone_back_to(site: Lab, api: Api, copy: Copy) -> None:
    """A long step is ended on every host within seconds; then by somebody's word all are back at the release before."""
    push(copy, 4, {"name": "slow", "playbook": "slow.yml", "variables": {"takes": 601}})
    wait_until(lambda: all(sleeping(host) for host in site.hosts), "all are at the long step", 400)
    server = site.of("appservers")[0]
    server.run("moorage", "update", "stop", "--reason", "the lab")
    wait_until(lambda: not any(sleeping(host) for host in site.hosts), "nothing of it runs", 5)
    wait_until(lambda: not is_busy(api), "no step runs", 30)
    server.run("moorage", "update", "rollback", "2026.11.22-3", "--yes")
    server.run("moorage", "update", "recover")
    wait_until(lambda: is_at(api, "2026.11.22-3"), "all are back", 400)
    assert {release_of(host) for host in site.hosts} == {"2026.11.22-3"}
    wait_for_nodes(site, *(host.hostname for host in site.hosts))


def test_a_host_that_comes_in_the_middle_is_brought_along_and_one_that_goes_is_left_out(
    site: Lab, api: Api, copy: Copy, release: str
) -> None:
    """Added in mid-update, it gets the same steps with the others; dead, it is retired, and the update recovered."""
    version = push(copy, 5, {"name": "slow", "playbook": "slow.yml", "variables": {"takes": 120}})
    wait_until(lambda: standing(api).get("process") == "running", "it begins", 60)
    site.grow(1)
    site.play(SITE, "--limit", "boot-3").good()
    wait_for_nodes(site, "boot-3")
    furnish(site[3], ROOT / "build" / f"moorage-{release}.tar")
    assert standing(api)["request"]["servers"] == [0, 1, 2]
    wait_until(lambda: is_at(api, version, [0, 1, 2, 3]), "with it", 700)
    assert release_of(site[3]) == version
    assert [one["cause"] for one in api.get("updates").json()["items"][:2]] == ["reconfigure", "update"]
    last = push(copy, 6)
    wait_until(lambda: standing(api).get("process") == "running", "the next begins", 60)
    site[3].kill()
    wait_for_words(lambda: json.dumps(standing(api)), "its agent is gone", 60)
    site.play("playbooks/retire.yml", "-e", "retire=boot-3").good()
    server = site.of("appservers")[0]
    server.run("moorage", "update", "stop", "--reason", "boot-3 is gone")
    server.run("moorage", "update", "recover")
    wait_until(lambda: is_at(api, last, [0, 1, 2]), "without it", 400)
    assert {release_of(host) for host in site.hosts[:3]} == {last}
    site.shrink(3)


def sleeping(host: BootHost) -> bool:
    return "sleep" in host.sh("pgrep -fx 'sleep 601' >/dev/null && echo sleep", check=False)
