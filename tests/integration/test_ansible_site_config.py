"""The site's configuration by playbook, with Ansible's own program and a real etcd."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appserver.adapters.etcd import Etcd
from appserver.adapters.sealer import KeySealer
from appserver.core.site_config import place
from tests.lab.ansible_play import Ran, play
from tests.lab.etcd import ClusterFactory

SECRET = "hunter2hunter2"
TIMEOUT, PASSWORD = "config/worker-timeout-duration", "bmc/ipmi-password"
SEALER = KeySealer(b"k" * 32)
Run = Callable[..., Ran]


@pytest.fixture
def endpoint(etcd_cluster: ClusterFactory) -> str:
    return etcd_cluster().members[0].endpoint


@pytest.fixture
def kv(endpoint: str) -> Iterator[Etcd]:
    with closing(Etcd([endpoint])) as client:
        yield client


@pytest.fixture
def run(endpoint: str, tmp_path: Path) -> Run:
    """`run({"name": …}, "--check")`: one task of the module for each; the seal key is in the play's defaults."""
    key = tmp_path / "seal.key"
    key.write_text(base64.b64encode(b"k" * 32).decode())
    store = {"endpoints": [endpoint]}

    def ran(tasks: list[dict[str, object]], *flags: str, seal_key: Path | None = key) -> Ran:
        given = {"seal_key": str(seal_key)} if seal_key else {}
        defaults = {"module_defaults": {"group/moorage.boot.store": store}}
        return play(tmp_path, [{"moorage.boot.config_key": {**given, **one}} for one in tasks], *flags, more=defaults)

    return ran


def kept(kv: Etcd, key: str) -> str:
    return kv.snapshot(key).items[key].value


TASKS: list[dict[str, object]] = [
    {"name": "worker-timeout", "value": "90m"},
    {"name": "config/release-time", "value": ["0 9 * * 1-5", "0 13 * * 6"]},
    {"name": PASSWORD, "value": SECRET},
    {"name": "bmc/bmc-user", "value": {"root": {"password": {"raw": SECRET}}}},
    {"name": "config/proxy", "value": f"http://u:{SECRET}@squid:3128"},
]


def test_a_second_run_changes_nothing_and_no_output_holds_a_secret(kv: Etcd, run: Run) -> None:
    """Checked, set, set again, at the highest verbosity that people use; in etcd as the seed has it, secrets sealed."""
    checked = run(TASKS, "--check", "--diff", "-vvv").good()
    assert (checked.changed, kv.snapshot("").items) == (5, {})
    first = run(TASKS, "--diff", "-vvv").good()
    second = run(TASKS, "--diff", "-vvv").good()
    assert (first.changed, second.changed) == (5, 0)
    for text in (checked.text, first.text):
        assert f"+{TIMEOUT}: 1h30m0s" in text
        assert f"+{PASSWORD}: ***" in text
    assert SECRET not in checked.text + first.text + second.text
    assert SECRET not in str({key: item.value for key, item in kv.snapshot("").items.items()})
    assert (kept(kv, TIMEOUT), kept(kv, "config/release-time")) == ("5400000000000", "0 9 * * 1-5\n0 13 * * 6")
    assert SEALER.open(kept(kv, PASSWORD), place(PASSWORD)) == SECRET


def test_a_changed_secret_is_told_without_it(kv: Etcd, run: Run) -> None:
    """That it is another one, and neither of the two."""
    run(TASKS[2:3]).good()
    ran = run([{"name": PASSWORD, "value": f"{SECRET}-new"}], "--diff", "-vvv").good()
    assert ran.changed == 1
    assert f"+{PASSWORD}: *** (another)" in ran.text
    assert SECRET not in ran.text


def test_absent_takes_it_away_once(kv: Etcd, run: Run) -> None:
    """With what an old key said; no key to seal with is needed for that."""
    kv.commit({}, {"config/worker-timeout": "1000000000"})
    run(TASKS[:3]).good()
    gone: list[dict[str, object]] = [{"name": TIMEOUT, "state": "absent"}, {"name": PASSWORD, "state": "absent"}]
    assert run(gone, "--check", seal_key=None).good().changed == 2
    assert kept(kv, TIMEOUT)
    assert run(gone, "--diff", seal_key=None).good().changed == 2
    assert run(gone, seal_key=None).good().changed == 0
    assert list(kv.snapshot("config/", "bmc/").items) == ["config/release-time"]


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"name": "config/prxy", "value": SECRET}, "did you mean config/proxy?"),
        ({"name": TIMEOUT, "value": "5400"}, "is no duration"),
        ({"name": PASSWORD, "value": f" {SECRET}"}, "is one line"),
        ({"name": PASSWORD, "value": SECRET, "seal_key": ""}, "seal_key: is needed"),
        ({"name": PASSWORD, "value": SECRET, "seal_key": "/nowhere/seal.key"}, "cannot be read"),
        ({"name": "bmc/bmc-user", "value": {"root": SECRET}}, "is {"),
        ({"name": TIMEOUT}, "missing"),
    ],
)
def test_what_is_wrong_fails_the_task_with_the_reason(kv: Etcd, run: Run, task: dict[str, object], told: str) -> None:
    """And nothing is written, nor any of it said again."""
    ran = run([task], "-vvv")
    assert ran.code == 2
    assert told in ran.text, ran.text
    assert SECRET not in ran.text
    assert "Traceback" not in ran.text
    assert not kv.snapshot("config/", "bmc/").items


def test_a_secret_of_another_key_is_not_overwritten_blindly(kv: Etcd, run: Run, tmp_path: Path) -> None:
    """A controller with a wrong key would otherwise leave what no app server can open."""
    run(TASKS[2:3]).good()
    other = tmp_path / "other.key"
    other.write_text(base64.b64encode(b"o" * 32).decode())
    ran = run(TASKS[2:3], seal_key=other)
    assert ran.code == 2 and "was sealed with another key" in ran.text
    assert SEALER.open(kept(kv, PASSWORD), place(PASSWORD)) == SECRET


def test_roles_read_what_holds(endpoint: str, run: Run, tmp_path: Path) -> None:
    """A default, a value, a password within a URL with the key to it; and without that an error."""
    run(TASKS).good()
    where = f"endpoints=['{endpoint}']"
    key = tmp_path / "seal.key"
    template = (
        "{{ [lookup('moorage.boot.config', 'worker-timeout', WHERE), lookup('moorage.boot.config', 'env', WHERE),"
        " lookup('moorage.boot.config', 'node-proxy', WHERE) == '',"
        f" lookup('moorage.boot.config', 'proxy', WHERE, seal_key='{key}') == 'http://u:{SECRET}@squid:3128'] }}}}"
    ).replace("WHERE", where)
    told = play(tmp_path, [{"ansible.builtin.debug": {"msg": template}}]).good().text
    assert [line.strip().rstrip(",") for line in told.splitlines() if line.startswith(" " * 8)] == [
        '"1h30m0s"', '"none"', "true", "true",
    ]  # fmt: skip
    broken = template.replace(f", seal_key='{key}'", "")
    assert "was not sealed with this machine's key" in play(tmp_path, [{"ansible.builtin.debug": {"msg": broken}}]).text
