"""One host of an etcd cluster, looked at and changed by the programs that are on it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.moorage.boot.plugins.module_utils.etcd_members import Member, Seen, Step

ASK_S = 4
"""A member that is away costs this long, once a look."""
PROMOTE_AGAIN = "can only promote a learner member which is in sync with leader"
AGAIN = ("unhealthy cluster", "too many learner members", "re-configuration failed", PROMOTE_AGAIN)
"""What etcd says while members still get to know each other."""
UNCERTAIN = ("request timed out", "context deadline exceeded", "leader changed")
"""What it says when a change may have been made or not."""


class Failed(Exception):
    """A program ended badly, or the member did not become healthy in time; the text says what was said."""


class Host:
    """The module's options, and a way to run programs: argv to exit code, output and error."""

    def __init__(self, asked: Mapping[str, Any], run: Callable[..., tuple[int, str, str]]) -> None:
        self._asked = asked
        self._run = run
        self._peers = {n: f"https://{a}:{asked['peer_port']}" for n, a in asked["members"].items()}
        self._clients = {n: f"https://{a}:{asked['client_port']}" for n, a in asked["members"].items()}
        self.peer_url = self._peers[asked["name"]]

    def look(self) -> Seen:
        """Ask every member that the inventory names; the cluster's own list is what counts."""
        asked = self._asked
        has_data = os.path.isdir(os.path.join(asked["data_dir"], "member"))
        if not os.path.exists("/usr/bin/etcdctl"):
            return Seen((), has_data, False)
        runs = self._run(asked["is_active"])[0] == 0
        healthy = self._healthy(tuple(self._clients.values()))
        if not healthy:
            return Seen((), has_data, runs)
        listed = self._listed(healthy)
        known = {url for one in listed for url in one["clientURLs"]}
        healthy |= self._healthy(tuple(known - set(self._clients.values())))
        return Seen(tuple(_member(one, healthy) for one in listed), has_data, runs)

    def take(self, step: Step) -> None:
        """Take one step of a plan.

        Raises:
            Failed: it could not be taken.
        """
        getattr(self, f"_{step.verb}")(step.subject)

    def _found(self, _: str) -> None:
        self._write_initial({self._asked["name"]: self.peer_url}, "new")

    def _set_aside(self, _: str) -> None:
        data = self._asked["data_dir"].rstrip("/")
        aside = f"{data}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        os.rename(os.path.join(data, "member"), aside)

    def _remove(self, member_id: str) -> None:
        self._change(("remove", member_id), lambda: all(f"{one['ID']:x}" != member_id for one in self._members()))

    def _hand_over(self, member_id: str) -> None:
        """To any other voting member, if this one leads."""
        status = json.loads(self._ctl("endpoint", "status", "--cluster", "-w", "json"))
        leads = {f"{one['Status']['leader']:x}" for one in status}
        others = [one for one in status if f"{one['Status']['header']['member_id']:x}" != member_id]
        voting = [one for one in others if not one["Status"].get("isLearner")]
        if member_id in leads and voting:
            where = next(one["Endpoint"] for one in status if f"{one['Status']['header']['member_id']:x}" == member_id)
            self._ctl("move-leader", f"{voting[0]['Status']['header']['member_id']:x}", endpoints=(where,))

    def _add(self, peer_url: str) -> None:
        add = ("add", self._asked["name"], f"--peer-urls={peer_url}", "--learner")
        self._change(add, lambda: any(peer_url in one["peerURLs"] for one in self._members()))
        listed = self._members()
        named = {url: name for name, url in self._peers.items()}
        urls = [one["peerURLs"][0] for one in listed]
        found = {one["peerURLs"][0]: one.get("name", "") for one in listed}
        self._write_initial({found[url] or named.get(url, "unnamed"): url for url in urls}, "existing")

    def _start(self, _: str) -> None:
        self._program(self._asked["start"])

    def _stop(self, _: str) -> None:
        self._program(self._asked["stop"])

    def _restart(self, _: str) -> None:
        self._stop("")
        self._start("")

    def _promote(self, peer_url: str) -> None:
        def learners() -> list[str]:
            return [f"{one['ID']:x}" for one in self._members() if peer_url in one["peerURLs"] and one.get("isLearner")]

        for member_id in learners():
            self._change(("promote", member_id), lambda: not learners())

    def _await(self, _: str) -> None:
        """Healthy: it answers a question that needs the quorum."""
        mine = self._clients[self._asked["name"]]
        self._until(lambda: mine in self._healthy((mine,)), f"etcd at {mine} does not become healthy")

    def _until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + self._asked["timeout"]
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"{what} within {self._asked['timeout']} s; see what it says: journalctl -u etcd")
            time.sleep(0.2)

    def _healthy(self, urls: Sequence[str]) -> set[str]:
        """Those that answer with the quorum behind them."""
        if not urls:
            return set()
        _, told, _ = self._etcdctl(("endpoint", "health", "-w", "json"), urls)
        try:
            return {one["endpoint"] for one in json.loads(told or "[]") if one["health"]}
        except ValueError:
            return set()

    def _members(self) -> list[dict[str, Any]]:
        return self._listed(set(self._asked_of()))

    def _listed(self, healthy: set[str]) -> list[dict[str, Any]]:
        told = json.loads(self._ctl("member", "list", "-w", "json", endpoints=tuple(healthy)))
        return [{"clientURLs": (), **one} for one in told["members"]]

    def _ctl(self, *argv: str, endpoints: Sequence[str] = ()) -> str:
        """What a question is answered with, by the members that are healthy."""
        deadline = time.monotonic() + self._asked["timeout"]
        while True:
            code, out, error = self._etcdctl(argv, endpoints or self._asked_of())
            if code == 0:
                return out
            self._once_more(f"{argv[0]} {argv[1]}", error, deadline)

    def _change(self, argv: Sequence[str], is_done: Callable[[], bool]) -> None:
        """A change of the members. Where nobody knows whether it was made, the cluster's own list says it."""
        deadline = time.monotonic() + self._asked["timeout"]
        while not is_done():
            code, _, error = self._etcdctl(("member", *argv), self._asked_of())
            if code == 0:
                return
            self._once_more(f"member {argv[0]}", error, deadline)

    def _asked_of(self) -> tuple[str, ...]:
        return tuple(self._healthy(tuple(self._clients.values())))

    def _once_more(self, verb: str, error: str, deadline: float) -> None:
        """Wait for the next try, while the members get to know each other or are slow.

        Raises:
            Failed: there is none.
        """
        if time.monotonic() > deadline or not any(text in error for text in (*AGAIN, *UNCERTAIN)):
            raise Failed(f"etcdctl {verb}: {error.strip()[-1000:] or 'no member answers'}")
        time.sleep(0.5)

    def _etcdctl(self, argv: Sequence[str], endpoints: Sequence[str]) -> tuple[int, str, str]:
        asked = self._asked
        tls = (f"--cacert={asked['ca']}", f"--cert={asked['cert']}", f"--key={asked['key']}")
        patience = (f"--dial-timeout={ASK_S}s", f"--command-timeout={ASK_S}s")
        command = ("/usr/bin/etcdctl", *argv, f"--endpoints={','.join(endpoints)}", *tls, *patience)
        return self._run(list(command), environ_update={"ETCDCTL_API": "3"})

    def _program(self, argv: Sequence[str]) -> None:
        code, out, error = self._run(argv)
        if code:
            raise Failed(f"{' '.join(argv)} ended with {code}: {(error or out).strip()[-1000:]}")

    def _write_initial(self, members: Mapping[str, str], state: str) -> None:
        told = ",".join(f"{name}={url}" for name, url in sorted(members.items()))
        lines = (
            f"ETCD_INITIAL_CLUSTER={told}\n"
            f"ETCD_INITIAL_CLUSTER_STATE={state}\n"
            f"ETCD_INITIAL_CLUSTER_TOKEN={self._asked['cluster_token']}\n"
        )
        with open(self._asked["initial"], "w", encoding="utf-8") as file:
            file.write(lines)


def _member(one: Mapping[str, Any], healthy: set[str]) -> Member:
    is_healthy = bool(healthy.intersection(one["clientURLs"]))
    return Member(
        f"{one['ID']:x}", one.get("name", ""), one["peerURLs"][0], is_healthy, bool(one.get("isLearner", False))
    )
