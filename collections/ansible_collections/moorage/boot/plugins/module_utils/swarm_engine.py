"""One Docker Engine as a node of a Swarm, looked at and changed through its API, where no secret is an argument."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.moorage.boot.plugins.module_utils.engine_api import Api, Away, Failed
from ansible_collections.moorage.boot.plugins.module_utils.swarm_members import Engine, Node, Step, labelled

PORT = 2377
"""Where managers listen for those who join."""
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENDED = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
"""States of a task that runs nowhere any more."""
TRY_AGAIN = ("update out of sequence", "is not down")
"""What managers say while they still get to know of each other's changes."""


class Host:
    """The module's options, by which it finds the engine and its own mark."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._asked = asked
        self._engine = Api(asked["socket"])

    def look(self) -> Engine:
        """What the engine is of a swarm. One that is not installed is in none; of one that is away nobody knows."""
        mark = _read_mark(self._asked["mark"])
        marked = {"mark_node": mark.get("node", ""), "mark_cluster": mark.get("cluster", "")}
        try:
            info = self._engine.ask("GET", "/info")
        except Away:
            return Engine("" if shutil.which("dockerd", path=PROGRAMS) else "inactive", **marked)
        swarm = info["Swarm"]
        return Engine(
            swarm["LocalNodeState"],
            swarm["NodeID"],
            (swarm.get("Cluster") or {}).get("ID", ""),
            swarm["ControlAvailable"],
            info["Name"],
            **marked,
        )

    def nodes(self) -> tuple[Node, ...]:
        """Of the swarm that this engine manages; without a majority, nobody knows."""
        return tuple(_node(one) for one in self._engine.ask("GET", "/nodes"))

    def managers(self) -> list[str]:
        """Where managers are to be joined, host:port."""
        listed = [one.get("ManagerStatus") or {} for one in self._engine.ask("GET", "/nodes")]
        return [one["Addr"] for one in listed if one.get("Reachability") == "reachable"]

    def token(self) -> str:
        """With it, whoever has it joins as a worker."""
        token: str = self._engine.ask("GET", "/swarm")["JoinTokens"]["Worker"]
        return token

    def holds(self) -> list[str]:
        """What would be lost with the swarm, a name each."""
        kinds = {"services": "service", "secrets": "secret", "configs": "config"}
        return [
            f"{kind} {one['Spec']['Name']}"
            for path, kind in kinds.items()
            for one in self._engine.ask("GET", f"/{path}")
        ]

    def take(self, step: Step) -> None:
        """Take one step of a plan.

        Raises:
            Failed: it could not be taken.
        """
        getattr(self, f"_{step.verb}")(step.subject)

    def _found(self, _: str) -> None:
        pools = self._asked["address_pools"] or None
        told = {"AdvertiseAddr": self._asked["address"], "ListenAddr": f"0.0.0.0:{PORT}", "DefaultAddrPool": pools}
        self._engine.ask("POST", "/swarm/init", {**told, "SubnetSize": 24 if pools else 0, "Spec": {}})

    def _join(self, _: str) -> None:
        told = {"AdvertiseAddr": self._asked["address"], "ListenAddr": f"0.0.0.0:{PORT}"}
        if not self._asked["token"] or not self._asked["managers"]:
            raise Failed("neither managers nor their token are known, so nobody can be joined")
        secret = {"JoinToken": self._asked["token"], "RemoteAddrs": self._asked["managers"]}
        try:
            self._engine.ask("POST", "/swarm/join", {**told, **secret})
        except Failed as error:
            if "continue in the background" not in str(error):
                raise
        self._await_active("")

    def _mark(self, _: str) -> None:
        """Before there is a node, that one is about to be founded."""
        seen = self.look()
        mark = {"cluster": seen.cluster or self._asked["cluster"] or "new", "node": seen.node}
        _write_mark(self._asked["mark"], mark)

    def _leave(self, force: str) -> None:
        self._engine.ask("POST", f"/swarm/leave?force={'1' if force else '0'}")

    def _restart(self, _: str) -> None:
        done = subprocess.run(self._asked["restart"], capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-1000:]
            raise Failed(f"{' '.join(self._asked['restart'])} ended with {done.returncode}: {said}")

    def _promote(self, node: str) -> None:
        self._update(node, lambda spec: {**spec, "Role": "manager"})

    def _demote(self, node: str) -> None:
        self._update(node, lambda spec: {**spec, "Role": "worker"})

    def _drain(self, node: str) -> None:
        self._update(node, lambda spec: {**spec, "Availability": "drain"})

    def _label(self, node: str) -> None:
        wanted = self._asked["labels"]
        self._update(node, lambda spec: {**spec, "Labels": labelled(spec.get("Labels") or {}, wanted)})

    def _remove(self, node: str) -> None:
        """A node that has left is known to be down after a few heartbeats."""
        self._patiently(lambda: self._engine.ask("DELETE", f"/nodes/{quote(node)}"))

    def _await_answer(self, _: str) -> None:
        self._until(lambda: bool(self.look().state), "the engine does not answer")

    def _await_active(self, _: str) -> None:
        """It answers as a node; as a manager, with a majority behind it."""
        self._until(self._is_active, "the engine does not come up as a node of its swarm")

    def _await_manager(self, node: str) -> None:
        self._until(lambda: self._manages(node), "the node does not become a reachable manager")

    def _await_worker(self, node: str) -> None:
        """Known to whoever is asked: the managers, or the node itself."""

        def demoted() -> bool:
            here = self._engine.ask("GET", "/info")["Swarm"]
            return not here["ControlAvailable"] if here["NodeID"] == node else not self._one(node).get("ManagerStatus")

        self._until(demoted, "the node goes on being a manager")

    def _await_empty(self, node: str) -> None:
        mine = quote(json.dumps({"node": [node]}))

        def empty() -> bool:
            return all(task["Status"]["State"] in ENDED for task in self._engine.ask("GET", f"/tasks?filters={mine}"))

        self._until(empty, "tasks go on running on the node")

    def _is_active(self) -> bool:
        seen = self.look()
        if seen.state == "locked":
            raise Failed("the manager is locked, and nobody but you can say with what it opens: docker swarm unlock")
        if seen.state != "active":
            return False
        try:
            return not seen.manager or self._manages(seen.node)
        except Failed:
            return False  # there is no majority yet

    def _manages(self, node: str) -> bool:
        return (self._one(node).get("ManagerStatus") or {}).get("Reachability") == "reachable"

    def _one(self, node: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._engine.ask("GET", f"/nodes/{quote(node)}")
        return found

    def _update(self, node: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        def once() -> None:
            found = self._one(node)
            version = found["Version"]["Index"]
            self._engine.ask("POST", f"/nodes/{quote(node)}/update?version={version}", change(dict(found["Spec"])))

        self._patiently(once)

    def _patiently(self, act: Callable[[], object]) -> None:
        deadline = time.monotonic() + self._asked["timeout"]
        while True:
            try:
                act()
            except Failed as error:
                if time.monotonic() > deadline or not any(text in str(error) for text in TRY_AGAIN):
                    raise
                time.sleep(0.5)
            else:
                return

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._asked["timeout"]
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"{what} within {self._asked['timeout']} s; see journalctl -u docker")
            time.sleep(0.3)


def _node(one: Mapping[str, Any]) -> Node:
    spec, status = one["Spec"], one["Status"]
    manages = one.get("ManagerStatus") or {}
    return Node(
        one["ID"],
        (one.get("Description") or {}).get("Hostname", ""),
        status.get("Addr", ""),
        spec["Role"] == "manager",
        manages.get("Reachability") == "reachable",
        status["State"] == "ready",
        spec["Availability"] == "drain",
        spec.get("Labels") or {},
    )


def _read_mark(path: str) -> Mapping[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            found: Mapping[str, str] = json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Failed(f"{path} is not as this module writes it: {error}") from error
    return found


def _write_mark(path: str, mark: Mapping[str, str]) -> None:
    """Whole, or not at all: the play may end at any moment."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(mark, file)
    os.replace(f"{path}.new", path)
