"""How a stack's service is run: restarts, copies, updates, resources, placement, in Swarm's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from appserver.core.entities import Options
from appserver.core.updates import Update
from tests.unit.appserver.core.stacking import deployed, made, stack


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ({}, {"condition": "any"}),
        ({"restart": "always"}, {"condition": "any"}),
        ({"restart": "unless-stopped"}, {"condition": "any"}),
        ({"restart": "on-failure"}, {"condition": "on-failure"}),
        ({"restart": "on-failure:3"}, {"condition": "on-failure", "max_attempts": 3}),
        ({"restart": "no"}, {"condition": "none"}),
        ({"restart": "no", "deploy": {"restart_policy": {"condition": "any"}}}, {"condition": "any"}),
    ],
)  # fmt: skip
def test_restarts_in_swarms_words(word: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    assert deployed(word)["restart_policy"] == wanted
    assert "restart" not in made(word)


@pytest.mark.parametrize(
    ("given", "said", "wanted"),
    [
        ({}, 1, 1),
        ({}, 3, 3),
        ({"deploy": {"replicas": 2}}, 3, 2),
        ({"deploy": {"replicas": 0}}, 3, 0),
        ({"scale": 0}, 3, 0),
        ({"scale": 5, "deploy": {"replicas": 2}}, 3, 5),
    ],
)
def test_how_many(given: Mapping[str, Any], said: int, wanted: int) -> None:
    """None is a number too; what somebody scaled it to is stronger than what the author began with."""
    assert deployed(given, Options(replicas=said))["replicas"] == wanted


def test_one_on_each_node() -> None:
    """Nobody knows how many those are, so none may fail."""
    told = deployed({}, Options(mode="global", update=Update(max_failures=1)))
    assert (told["mode"], "replicas" in told, told["update_config"]["max_failure_ratio"]) == ("global", False, 0.0)


@pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
def test_a_job_is_run_not_updated(mode: str) -> None:
    """Swarm refuses one that has an update's settings; and what ended well is not started again."""
    told = deployed({"deploy": {"mode": mode, "rollback_config": {"parallelism": 1}}})
    assert (told["mode"], told["restart_policy"]) == (mode, {"condition": "on-failure"})
    assert not {"update_config", "rollback_config"} & {*told}


def test_the_update_is_the_authors() -> None:
    """`x-moorage.update` in Swarm's words; `deploy.update_config` is stronger, option by option."""
    said = Options(replicas=8, update=Update(share=25, order="start-first", delay_s=1.5, monitor_s=20, max_failures=1))
    assert deployed({}, said)["update_config"] == {
        "parallelism": 2,
        "order": "start-first",
        "failure_action": "pause",
        "max_failure_ratio": 0.1875,
        "delay": "1500ms",
        "monitor": "20000ms",
    }
    own = deployed({"deploy": {"update_config": {"parallelism": 4, "order": ""}}}, said)["update_config"]
    assert (own["parallelism"], own["order"]) == (4, "start-first")


@pytest.mark.parametrize("copies", range(1, 40))
def test_just_so_many_may_fail(copies: int) -> None:
    """Swarm pauses when the share of those that failed is above the ratio."""
    for most in range(copies):
        update = Update(max_failures=most)
        ratio = deployed({}, Options(replicas=copies, update=update))["update_config"]["max_failure_ratio"]
        assert most / copies <= ratio < (most + 1) / copies


def test_limits_are_texts_and_the_own_ones_win() -> None:
    web = {"mem_limit": 1 << 28, "mem_reservation": "1000", "cpus": 0.5, "pids_limit": 7}
    assert deployed(web)["resources"] == {
        "limits": {"memory": "268435456", "cpus": "0.5", "pids": 7},
        "reservations": {"memory": "1000"},
    }
    own = {"limits": {"memory": "5", "cpus": "0"}, "reservations": {"generic_resources": [{"a": 1}]}}
    assert deployed({**web, "deploy": {"resources": own}})["resources"] == {
        "limits": {"memory": "5", "pids": 7},
        "reservations": {"memory": "1000", "generic_resources": [{"a": 1}]},
    }
    assert "resources" not in deployed({"mem_limit": 0})


def test_devices_are_refused_wherever_they_are_asked_for() -> None:
    own = {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}
    assert [where for where, _ in stack({"deploy": {"resources": own}}).faults] == [
        "web.deploy.resources.reservations.devices"
    ]


def test_placement_in_swarms_words() -> None:
    """Our labels are labels of Swarm's nodes; the name of a node is one of them."""
    own = {"placement": {"constraints": ["node.role == worker"], "preferences": [{"spread": "node.labels.a"}]}}
    told = deployed({"deploy": own}, Options(spread="rack"), ("disk==ssd", "node != n1", "disk==ssd"))["placement"]
    assert told == {
        "constraints": ["node.role == worker", "node.labels.disk==ssd", "node.labels.moorage.node!=n1"],
        "preferences": [{"spread": "node.labels.a"}, {"spread": "node.labels.rack"}],
    }


@pytest.mark.parametrize("text", ["disk==s*", "disk==/ssd|nvme/", "disk==~ssd", "disk", "disk==a@b"])
def test_what_swarm_cannot_compare_is_refused(text: str) -> None:
    """It would take a pattern for a value, and place nothing at all."""
    assert [where for where, _ in stack({}, None, (text,)).faults] == ["web.constraints"]


def test_the_rest_of_deploy_is_kept() -> None:
    own = {"endpoint_mode": "dnsrr", "labels": {"a": "b"}, "rollback_config": {"parallelism": 1}}
    told = deployed({"deploy": own})
    assert {name: told[name] for name in own} == own


def test_what_swarm_does_in_its_own_way_is_told() -> None:
    """Who counts on looking at half of the copies first is told that all of them will be new."""
    found = stack({}, Options(grace_s=60.0, update=Update(percentage=50)))
    assert [text.partition(" ")[0] for text in found.warnings] == ["x-moorage.update.percentage", "x-moorage.grace"]
    assert stack({}).warnings == ()
