"""The module `boot_server` as the role `agent` uses it: a real etcd, Ansible's own program."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from appserver.adapters.etcd import Etcd
from appserver.core.fleet import Node
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.ansible_play import play
from tests.lab.etcd import ClusterFactory


def test_a_host_that_got_another_number_is_one_boot_server(etcd_cluster: ClusterFactory, tmp_path: Path) -> None:
    """A check tells so, a run does so, a second one changes nothing; a number that another host has stays."""
    endpoint = etcd_cluster().members[0].endpoint
    with closing(Etcd([endpoint])) as kv:
        node = Node("boot-1", "192.0.2.1:8090", "default", lrn=1)
        kv.commit({}, {keys.node(node.name): encode(node), keys.bootserver(1): "", keys.installed_deb(1, "git"): "1"})

        def numbered(*flags: str, lrn: int, taken: list[int]) -> int:
            module = {"name": "boot-1", "lrn": lrn, "taken": taken, "state": "numbered", "endpoints": [endpoint]}
            return play(tmp_path, [{"moorage.boot.boot_server": module}], *flags).good().changed

        assert numbered(lrn=5, taken=[5, 1]) == 0
        kv.commit({}, {keys.node(node.name): encode(node)})  # as its agent says until it is started anew
        assert numbered("--check", lrn=5, taken=[5]) == 1
        assert keys.bootserver(1) in kv.snapshot("").items
        assert numbered(lrn=5, taken=[5]) == 1
        assert not kv.snapshot("install/", "info/").items
        assert numbered(lrn=5, taken=[5]) == 0
