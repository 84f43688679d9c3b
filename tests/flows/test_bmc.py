"""A board changed by hand, seen by a real app server, and shown to whoever asks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.etcd import Etcd
from appserver.adapters.sealer import KeySealer
from appserver.core.bmc import BmcUser
from appserver.services.bmc_users import BmcUsers, Wish
from tests.lab.bmc import BoardFactory
from tests.lab.etcd import Cluster
from tests.lab.processes import LRN, Servers, app_server
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
OPS = BmcUser("ops", "operator", password="pw-ops-1")


@pytest.fixture
def looking(etcd_server: Cluster) -> Iterator[Servers]:
    """An app server that looks every second."""
    with app_server(etcd_server, f"/bmc-{os.getpid()}/", serve={"bmc_interval_s": 1}) as servers:
        yield servers


def test_a_user_changed_on_a_board_is_shown_everywhere(
    looking: Servers, etcd_server: Cluster, make_board: BoardFactory, hardware: HardwareBoards
) -> None:
    """By the command line, the API, the page and the bus; also by an app server that was killed and came back."""
    board = make_board("ipmi")
    sealer = KeySealer.from_file(Path(str(looking.settings["seal_key"])))
    with closing(Etcd(etcd_server.endpoints, prefix=looking.prefix)) as kv:
        BmcUsers(hardware, kv, sealer).bring(Wish(board.login(), (OPS,), LRN))

    def shown() -> dict[str, Any]:
        found = looking.api.get(f"bootservers/{LRN}").json()
        return dict(found["bmc"] or {})

    wait_until(lambda: shown().get("answers"), "the board is looked at", 30)
    assert shown()["users"] == {"admin": "administrator", "ops": "operator"}
    looking.kill_serve()
    with hardware.open(board.login()) as bmc:
        ops = next(one for one in bmc.accounts().found if one.name == "ops")
        bmc.change(replace(ops, enabled=False))
    looking.restart_serve()
    wait_until(lambda: shown()["drift"], "the change is seen", 60)
    assert shown()["drift"] == [{"user": "ops", "before": "operator", "after": "operator, disabled"}]
    told = looking.moorage("boot", "show", str(LRN))
    assert "operator, disabled" in told.stdout
    assert json.loads(looking.moorage("--json", "boot", "show", str(LRN)).stdout)["bmc"]["power"] == "on"
    events = [event["message"] for event in looking.api.get("events").json()["items"]]
    assert "users of its board: ops operator → operator, disabled" in events
    done = looking.moorage("boot", "power", str(LRN), "off")
    assert done.returncode == 0, done.stderr
    assert not board.on
    wait_until(lambda: shown()["power"] == "off", "the power is seen", 30)
    assert "pw-ops-1" not in looking.serve.log
    assert "secret" not in looking.serve.log
