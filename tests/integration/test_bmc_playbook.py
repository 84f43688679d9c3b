"""`playbooks/bmc.yml` on boards of both kinds and a real etcd: what it brings about, tells, and never tells."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.clock import SystemClock
from appserver.adapters.etcd import Etcd
from appserver.adapters.sealer import KeySealer
from appserver.core.bmc import Board
from appserver.services.audit import Audit
from appserver.services.bmc_users import opened
from appserver.services.events import Events
from appserver.services.site_config import SiteSettings
from appserver.store import keys
from appserver.store.codec import decode
from tests.fakes import Desk
from tests.lab.bmc import BoardFactory, SimBoard
from tests.lab.daemon import ROOT
from tests.lab.etcd import ClusterFactory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KEY = bytes(range(32))
OPS, GUEST, FRESH = "ops-Secret-7", "guest-Secret-8", "admin-Fresh-9"


@dataclass(slots=True)
class Site:
    """Boards by LRN, the store, and how the playbook is run."""

    folder: Path
    kv: Etcd
    endpoint: str
    boards: dict[int, SimBoard]

    def play(self, *args: str, code: int = 0, **more: Any) -> str:
        """What it prints, on both outputs. `more` are variables of every host."""
        hosts = {
            f"b{lrn}": {
                "lrn": lrn,
                "bmc_address": board.address,
                "bmc_users_port": board.port,
                "bmc_protocol": board.protocol,
                "bmc_ca": str(board.authority.path) if board.authority else "",
            }
            for lrn, board in self.boards.items()
        }
        common = {
            "etcd_endpoints": [self.endpoint],
            "bmc_users_seal_key": str(self.folder / "seal.key"),
            "bmc_login": "admin",
            "bmc_password": "secret",
            "bmc_users": [
                {"name": "ops", "privilege": "operator", "password": OPS},
                {"name": "guest", "enabled": False, "password": GUEST},
            ],
            **more,
        }
        group = {"bootservers": {"hosts": {**hosts, "none": {"lrn": 99}}, "vars": common}}
        inventory = self.folder / "hosts.yml"
        inventory.write_text(json.dumps({"all": {"children": group}}))
        environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PYTHONPATH": str(ROOT)}
        environ |= {"ANSIBLE_HOME": str(self.folder / "ansible"), "ANSIBLE_NOCOLOR": "1"}
        argv = (str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "playbooks/bmc.yml", *args)
        done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def board(self, lrn: int) -> Board:
        return decode(self.kv.snapshot(keys.bmc_board(lrn)).items[keys.bmc_board(lrn)].value, Board)


@pytest.fixture
def site(etcd_cluster: ClusterFactory, make_board: BoardFactory, tmp_path: Path) -> Iterator[Site]:
    """A board by IPMI, and one by Redfish with slots."""
    endpoint = etcd_cluster().members[0].endpoint
    (tmp_path / "seal.key").write_text(base64.b64encode(KEY).decode())
    boards = {0: make_board("ipmi"), 1: make_board("slots")}
    with closing(Etcd([endpoint])) as kv:
        yield Site(tmp_path, kv, endpoint, boards)


def test_boards_get_their_users_once(site: Site, hardware: HardwareBoards) -> None:
    """The list is brought about and recorded, a second run changes nothing, and a check tells what somebody changed."""
    foreseen = site.play("--check", "--diff")
    assert "+ops: operator" in foreseen
    assert not site.kv.snapshot("").items
    first = site.play("--diff")
    assert "+guest: user, disabled" in first
    for lrn in site.boards:
        assert site.board(lrn).wanted == {"admin": "administrator", "guest": "user, disabled", "ops": "operator"}
        kept = opened(KeySealer(KEY), lrn, site.board(lrn))
        assert kept == {"admin": "secret", "ops": OPS}
    assert {k: v.value for k, v in site.kv.snapshot("install/1/").items.items()} == {
        "install/1/bmc/admin": "administrator",
        "install/1/bmc/guest": "user, disabled",
        "install/1/bmc/ops": "operator",
    }
    revision = site.kv.snapshot("").revision
    again = site.play("--diff")
    assert again.count("changed=0") == 3
    assert site.kv.snapshot("").revision == revision
    with hardware.open(site.boards[0].login()) as bmc:
        bmc.delete(next(one for one in bmc.accounts().found if one.name == "ops"))
    drifted = site.play("--check", "--diff")
    assert "+ops: operator" in drifted
    assert "b0                         : ok" in drifted
    assert "changed=1" in drifted


def test_no_password_is_told_to_anybody(site: Site) -> None:
    """Not with -vvv, not in a diff, not where it fails; nor in the arguments of any process while it runs."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes())
                except OSError:  # it has ended
                    continue

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        said = site.play("-vvv", "--diff")
        said += site.play("-vvv", "--diff", code=2, bmc_users=[{"name": "ops", "password": f"{OPS}{'x' * 20}"}])
        said += site.play("-vvv", "--diff", code=2, bmc_password="wrong-Secret-6", bmc_users_seal_key="/none")
    finally:
        over.set()
        watching.join()
    assert "a password has" in said
    everything = said.encode() + b"".join(seen) + "".join(i.value for i in site.kv.snapshot("").items.values()).encode()
    for secret in (OPS, GUEST, "wrong-Secret-6"):
        assert secret.encode() not in everything
    assert b"bmc_ipmi_worker" in everything, "the watch saw nothing"


def test_who_logs_in_is_rotated_and_a_run_that_broke_off_is_made_good(site: Site) -> None:
    """The new password is on record once it is proven; a run that knows neither goes by the record."""
    users = [{"name": "admin", "privilege": "administrator", "password": FRESH}]
    site.play(bmc_users=users)
    assert opened(KeySealer(KEY), 0, site.board(0))["admin"] == FRESH
    again = site.play(bmc_users=users, bmc_password=FRESH)
    assert again.count("changed=0") == 3
    third = "admin-Third-10"
    site.play(bmc_users=[{**users[0], "password": third}], bmc_password=third)
    for lrn in site.boards:
        assert opened(KeySealer(KEY), lrn, site.board(lrn))["admin"] == third


def test_users_of_the_record_are_taken_as_neco_has_them(site: Site) -> None:
    """`bmc/bmc-user` and who logs in come from the record; a hash is refused by what is no iDRAC, with a sentence."""
    clock = SystemClock()
    settings = SiteSettings(
        kv=site.kv,
        sealer=KeySealer(KEY),
        audit=Audit(kv=site.kv, clock=clock),
        events=Events(kv=site.kv, clock=clock),
        clock=clock,
    )
    admin = Desk().person("alice")
    for name, value in {
        "bmc/ipmi-user": "admin",
        "bmc/ipmi-password": "secret",
        "bmc/bmc-user": '{"power": {"password": {"raw": "power-Secret-1"}}}',
    }.items():
        settings.set(admin, name, value)
    site.play("--diff", bmc_users_from_record=True, bmc_login="", bmc_password="", bmc_users=[])
    assert site.board(1).wanted == {"admin": "administrator", "power": "operator"}
    hashed = json.dumps({"root": {"password": {"hash": "ABCD12", "salt": "99"}}})
    said = site.play(code=2, bmc_users_json=hashed, bmc_users=[])
    assert "only an iDRAC takes a hash and salt" in " ".join(said.split())


def test_power_and_boot_device(site: Site) -> None:
    """The host is off once it is asked for, and a second time nothing is done."""
    site.play("--limit", "b1", bmc_users=[], bmc_users_power="off", bmc_users_boot="pxe")
    assert not site.boards[1].on
    assert "changed=0" in site.play("--limit", "b1", bmc_users=[], bmc_users_power="off", bmc_users_boot="pxe")
    site.play("--limit", "b0", bmc_users=[], bmc_users_power="off", bmc_users_boot="pxe")
    assert not site.boards[0].on
    assert (site.boards[0].folder / "boot").read_text() == "pxe\n"
