"""Every privilege of bad input B7, on the merged project."""

import pytest

from appserver.core.policy import violations


def project(**service: object) -> dict[str, object]:
    return {"name": "shop", "services": {"web": service}}


FORBIDDEN = [
    {"privileged": True},
    {"pid": "host"},
    {"ipc": "host"},
    {"network_mode": "host"},
    {"network_mode": "container:other"},
    {"network_mode": "other_default"},
    {"userns_mode": "host"},
    {"uts": "host"},
    {"cgroup": "host"},
    {"cap_add": ["ALL"]},
    {"devices": [{"source": "/dev/sda", "target": "/dev/sda"}]},
    {"device_cgroup_rules": ["a *:* rwm"]},
    {"security_opt": ["seccomp:unconfined"]},
    {"security_opt": ["seccomp=/tmp/profile.json"]},
    {"security_opt": ["label:disable"]},
    {"security_opt": ["label=type:spc_t"]},
    {"logging": {"driver": "syslog", "options": {"syslog-address": "tcp://127.0.0.1:2379"}}},
    {"logging": {"driver": "splunk", "options": {"splunk-url": "http://169.254.169.254"}}},
    {"volumes": [{"type": "bind", "source": "/", "target": "/host"}]},
    {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/s"}]},
    {"volumes": [{"type": "bind", "source": "/srv/../etc", "target": "/e"}]},
    {"volumes": [{"type": "npipe", "source": "x", "target": "/e"}]},
    {"volumes_from": ["other"]},
    {"cgroup_parent": "/"},
    {"sysctls": {"net.ipv4.ip_forward": "1"}},
    {"tmpfs": ["/run:exec,suid"]},
    {"runtime": "sysbox"},
    {"gpus": "all"},
    {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
    {"credential_spec": {"file": "x"}},
    {"build": {"context": ".", "network": "host"}},
    {"build": {"context": ".", "privileged": True}},
    {"build": {"context": ".", "ssh": ["default"]}},
    {"ports": [{"target": 80, "published": "80"}]},
    {"extra_hosts": ["meta=169.254.169.254"]},
    {"extra_hosts": {"meta": "169.254.169.254"}},
    {"extra_hosts": ["meta=::ffff:169.254.169.254"]},
    {"external_links": ["other:db"]},
    {"post_start": [{"command": ["id"], "privileged": True}]},
    {"pre_stop": [{"command": ["id"], "user": "root"}]},
    {"pre_stop": [{"command": ["id"], "user": "0:0"}]},
    {"pre_start": [{"command": ["id"], "privileged": True}]},
    {"provider": {"type": "awesome"}},
    {"develop": {"watch": []}},
    {"use_api_socket": True},
    {"oom_kill_disable": True},
    {"oom_score_adj": -1000},
    {"models": {"llm": None}},
]


@pytest.mark.parametrize("service", FORBIDDEN, ids=lambda s: next(iter(s)))
def test_a_privilege_is_refused_with_its_place(service: dict[str, object]) -> None:
    """Each names the service and the option, so that its author finds it."""
    found = violations(project(**service), ("/srv",))
    assert found
    assert all(where.startswith("web.") and why for where, why in found)


@pytest.mark.parametrize(
    "part",
    [
        {"networks": {"other": {"external": True, "name": "them_default"}}},
        {"volumes": {"v": {"name": "them_data"}}},
        {"volumes": {"v": {"name": "shop_v", "driver_opts": {"type": "none", "o": "bind", "device": "/"}}}},
        {"networks": {"n": {"name": "shop_n", "driver": "macvlan"}}},
        {"networks": {"n": {"name": "shop_n", "ipam": {"config": [{"subnet": "10.0.0.0/8"}]}}}},
        {"networks": {"n": {"name": "shop_n", "ipam": {"driver": "other"}}}},
        {"configs": {"c": {"file": "/etc/shadow"}}},
        {"secrets": {"s": {"file": "/etc/shadow"}}},
    ],
)
def test_what_belongs_to_others_is_refused(part: dict[str, object]) -> None:
    """Networks, volumes and files outside the project are not reached by naming them."""
    assert violations({**project(image="x"), **part})


def test_an_ordinary_project_is_permitted() -> None:
    """What applications ask for every day meets no reason."""
    ordinary = {
        "name": "shop",
        "services": {
            "web": {
                "image": "x",
                "ports": [{"target": 80, "published": "8080"}],
                "volumes": [
                    {"type": "volume", "source": "data", "target": "/d"},
                    {"type": "bind", "source": "/srv/shop", "target": "/s"},
                    {"type": "tmpfs", "target": "/t"},
                ],
                "security_opt": ["no-new-privileges:true"],
                "cap_drop": ["ALL"],
                "extra_hosts": ["db=10.0.0.3"],
            }
        },
        "volumes": {"data": {"name": "shop_data"}},
        "networks": {"default": {"name": "shop_default", "ipam": {}}},
        "secrets": {"s": {"name": "shop_s", "content": "x"}},
    }
    assert violations(ordinary, ("/srv",)) == ()
