"""Changes of an etcd cluster whose answers are lost: the cluster's own list says whether they were made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.boot.plugins import plugin

etcd_host: Any = plugin("module_utils/etcd_host.py")
etcd_members: Any = plugin("module_utils/etcd_members.py")
URL = "https://192.0.2.3:2380"
LOST = "Error: etcdserver: request timed out"
ASKED = {
    "name": "c", "members": {"a": "192.0.2.1", "c": "192.0.2.3"}, "peer_port": 2380, "client_port": 2379,
    "timeout": 5, "ca": "ca", "cert": "cert", "key": "key", "is_active": ["true"], "start": ["true"], "stop": ["true"],
}  # fmt: skip


class Programs:
    """etcdctl of a cluster of `a` and, once it was added, of `c`. The first `lost` answers to a change are lost."""

    def __init__(self, has_c: bool, learner: bool, lost: int, makes: bool) -> None:
        self.has_c, self.learner, self.lost, self.makes = has_c, learner, lost, makes
        self.changes: list[str] = []

    def run(self, argv: Sequence[str], **_: object) -> tuple[int, str, str]:
        if argv[1:3] == ["endpoint", "health"]:
            return 0, json.dumps([{"endpoint": "https://192.0.2.1:2379", "health": True}]), ""
        if argv[2] == "list":
            return 0, json.dumps({"members": self._members()}), ""
        self.changes.append(argv[2])
        is_lost = len(self.changes) <= self.lost
        if self.makes or not is_lost:
            self._make(argv[2])
        return (1, "", LOST) if is_lost else (0, "", "")

    def _make(self, verb: str) -> None:
        if verb == "promote":
            self.learner = False
        else:
            self.has_c = verb == "add"

    def _members(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = [{"ID": 10, "name": "a", "peerURLs": ["https://192.0.2.1:2380"]}]
        return [*found, {"ID": 12, "peerURLs": [URL], "isLearner": self.learner}] if self.has_c else found


@pytest.mark.parametrize(("makes", "changes"), [(True, 1), (False, 2)])
@pytest.mark.parametrize(("verb", "subject"), [("promote", URL), ("remove", "c")])
def test_a_lost_answer_is_looked_up(verb: str, subject: str, makes: bool, changes: int) -> None:
    """It is asked for again where it was not made, and only there."""
    programs = Programs(has_c=True, learner=True, lost=1, makes=makes)
    etcd_host.Host(ASKED, programs.run).take(etcd_members.Step(verb, "wanted", subject))
    assert programs.changes == [verb] * changes


@pytest.mark.parametrize(("makes", "changes"), [(True, 1), (False, 2)])
def test_a_member_is_not_added_twice(makes: bool, changes: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its peers are told of it in either case."""
    programs = Programs(has_c=False, learner=True, lost=1, makes=makes)
    initial = tmp_path_factory.mktemp("etcd") / "initial"
    host = etcd_host.Host(ASKED | {"initial": str(initial), "cluster_token": "t"}, programs.run)
    host.take(etcd_members.Step("add", "wanted", URL))
    assert programs.changes == ["add"] * changes
    assert f"ETCD_INITIAL_CLUSTER=a=https://192.0.2.1:2380,c={URL}\n" in initial.read_text()


def test_a_refusal_is_final() -> None:
    """Only what may have been made is asked for again."""

    def run(argv: Sequence[str], **_: object) -> tuple[int, str, str]:
        if argv[1:3] == ["member", "promote"]:
            return 1, "", "Error: permission denied"
        return Programs(has_c=True, learner=True, lost=0, makes=False).run(argv)

    with pytest.raises(etcd_host.Failed, match="permission denied"):
        etcd_host.Host(ASKED, run).take(etcd_members.Step("promote", "wanted", URL))
