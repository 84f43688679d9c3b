"""Five boot servers, bare at first, as one cluster through what befalls it, as its users see it.

Each test stands on those before it, and leaves the site healthy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tests.lab import site_placing
from tests.lab.api import Api
from tests.lab.boot_lab import Lab, lab
from tests.lab.site import SITE, below, members, moorage, wait_for_nodes, wait_for_record
from tests.lab.site_web import Web, give_image, watched
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]
NAMES = ("boot-0", "boot-1", "boot-2", "boot-3", "boot-4")
MEMBERS, SERVERS, PROXY = (0, 1, 2), (0, 1), (2,)
GRACE = "25s"
CPUS, MEMORY = 0.012, 16
"""What each of a thousand containers asks for; nodes of two cores have room for five in six."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, release: str) -> Iterator[Lab]:
    """Five bare hosts, with roles."""
    assert release
    with lab(len(NAMES), tmp_path_factory.mktemp("cluster")) as made:
        made.assign(etcd=MEMBERS, appservers=SERVERS, proxies=PROXY)
        yield made


@pytest.fixture(scope="module")
def web(site: Lab) -> Web:
    """With a copy on each of them, once the first tests are over."""
    return Web(site, "everywhere")


@pytest.mark.timeout(1800)
def test_five_bare_hosts_become_a_cluster(site: Lab) -> None:
    """By one run of the playbook: a record on three, two app servers, a proxy, an agent on each."""
    site.play(SITE, timeout_s=1500).good()
    site[0].run("moorage", "setup", "profile")
    assert members(site[0]) == dict.fromkeys(NAMES[:3], True)
    wait_for_nodes(site, *NAMES)
    wait_for_record(site, *range(len(NAMES)))
    assert all(Api(f"http://{site[lrn].address}:8080").get("/readyz").status_code == 200 for lrn in SERVERS)
    give_image(site)


def test_no_request_fails_while_all_five_copies_are_updated(site: Lab, web: Web) -> None:
    """Start-first, one at a time, at 50 requests a second through the site's proxy."""
    update = {"order": "start-first"}
    web.deploy("one", replicas=5, update=update)
    assert web.greetings() == everywhere("one")
    wait_until(lambda: web.says() == "one", "it is reached", 10)
    with web.visited() as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        web.deploy("two", replicas=5, update=update)
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    assert {*visits.answers} == {"200 one", "200 two"} and visits.said[-1] == "two"
    assert web.greetings() == everywhere("two")


@pytest.mark.parametrize("lrn", [4, 1], ids=["a node", "an app server and member of etcd"])
def test_a_host_that_is_killed_in_mid_update_holds_nobody_up(site: Lab, web: Web, lrn: int) -> None:
    """The other four go on to the new revision; it is told which one is missing, and that one catches up."""
    text = f"killed-{lrn}"
    web.deploy(text, "--no-wait", replicas=5, update={"order": "start-first", "delay": "1s"})
    wait_until(lambda: [text] in web.greetings().values(), "the first copy is updated", 60)
    assert web.on(site[lrn]) != [text], "it is not its turn yet"
    site[lrn].kill()
    wait_until(lambda: web.greetings(lrn) == everywhere(text, lrn), "the others have it", 120)
    wait_until(lambda: web.shown()["state"] == "degraded", "it is told", 60)
    assert f"the agent on boot-{lrn} is away; 4 of 5" in web.shown()["reason"]
    site[lrn].start()
    wait_for_nodes(site, *NAMES, timeout_s=120)
    wait_until(lambda: web.greetings() == everywhere(text), "it caught up", 90)
    wait_until(lambda: (web.shown()["state"], web.shown()["drift"]) == ("running", []), "all is well", 60)
    assert members(site[0]) == dict.fromkeys(NAMES[:3], True)


def test_no_request_fails_while_a_node_is_drained(site: Lab) -> None:
    """Its copy comes up elsewhere, then leaves; undrained, it takes applications again."""
    buoy = Web(site, "buoy")
    buoy.deploy("ahoy", replicas=3, update={"order": "start-first"})
    wait_until(lambda: buoy.says() == "ahoy", "it is reached", 10)
    drained = sorted(buoy.greetings())[-1]
    server = site.of("appservers")[0]
    with buoy.visited() as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        told = server.run("moorage", "node", "drain", drained, "--yes", check=False)
        wait_until(lambda: drained not in buoy.greetings() and len(buoy.greetings()) == 3, "it is elsewhere", 90)
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    assert "everywhere" in told, "what has no other place stays, and is told"
    server.run("moorage", "node", "undrain", drained)
    server.run("moorage", "app", "delete", buoy.name, "--yes")


def test_what_a_host_that_is_cut_off_ran_is_elsewhere_and_never_twice(site: Lab) -> None:
    """Told lost; its copy runs on another host after its grace, and no more on its own by then; healed, it is gone."""
    dinghy = Web(site, "dinghy")
    dinghy.deploy("ahoy", replicas=2, grace=GRACE, environment=["constraint:node==/^boot-[134]$/"])
    assert {*dinghy.greetings()} == {"boot-1", "boot-3"}
    cut, server = site[1], site.of("appservers")[0]
    with watched(dinghy) as seen:
        cut.cut()
        wait_until(lambda: moorage(server, "node", "show", "boot-1")["lost_since"], "it is told lost", 60)
        assert dinghy.on(cut) == ["ahoy"], "nobody is hasty"
        wait_until(lambda: not dinghy.on(cut), "it stops what may move", 60)
        wait_until(lambda: {*dinghy.greetings()} == {"boot-3", "boot-4"}, "it is elsewhere", 60)
        wait_until(lambda: dinghy.shown()["state"] == "running", "it is well", 30)
        assert not dinghy.on(cut)
        cut.heal()
        wait_for_nodes(site, *NAMES, timeout_s=90)
        wait_until(lambda: not dinghy.on(cut, running=False), "nothing of it is left there", 60)
    assert max(seen) == 2
    assert {*dinghy.greetings()} == {"boot-3", "boot-4"}
    assert dinghy.shown()["drift"] == []
    server.run("moorage", "app", "delete", dinghy.name, "--yes")
    wait_for_record(site, *range(len(NAMES)))


def test_two_app_servers_at_once_promise_nothing_twice(site: Lab) -> None:
    """A thousand containers, half at each, a fiftieth at both; there is room for most. None over its room."""
    token = str(moorage(site[0], "token", "create", "placing", "--scope", "admin")["token"])
    apis = [Api(f"http://{site[lrn].address}:8080", token) for lrn in SERVERS]
    asks = [
        {"image": "quay:1", "cpus": CPUS, "memory": MEMORY, "container_name": f"berth-{n}", "lease_s": 3600}
        for n in range(1000)
    ]
    before = site_placing.promised(site)
    answers = site_placing.place(apis, [asks[:500] + asks[500:510], asks[500:] + asks[:10]])
    placed = {one.name: one.node for one in answers if one.node}
    assert len(answers) == 1020
    assert {one.status for one in answers} == {201, 409}
    assert all(placed[one.name] == one.node for one in answers if one.node), "who is asked for twice has one place"
    assert all(all(node in one.why for node in NAMES) for one in answers if not one.node), "each node's reason"
    claims = site_placing.promised(site)
    holders = [(name.partition("/")[2], node) for node, held in claims.items() for name in held if "/" in name]
    assert sorted(holders) == sorted(placed.items())
    assert {*below(site[0], "placements/default/")} == {f"/moorage/placements/default/{name}" for name in placed}
    for node, (cpus, memory) in site_placing.room(site).items():
        used = math.fsum(one["cpus"] for one in claims[node].values())
        assert cpus - CPUS < used <= cpus + 1e-9, f"{node} is full and not more: {used} of {cpus}"
        assert sum(one["memory"] for one in claims[node].values()) <= memory
    for name in placed:
        apis[0].delete(f"placements/default/{name}")
    assert site_placing.promised(site) == before


def everywhere(text: str, *but: int) -> dict[str, list[str]]:
    """One copy, which says so, on each host without these LRNs."""
    return {f"boot-{lrn}": [text] for lrn in range(len(NAMES)) if lrn not in but}
