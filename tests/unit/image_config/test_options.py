"""The table of options is complete, and every row of it works from parse to render."""

import json
from pathlib import Path

import pytest

from image_config.options import EXCLUSIVE, HARMLESS, NAMES, OPTIONS, REFUSED, privileged
from tests.unit.image_config.say import compose, faults, form, git, service

DATA = Path(__file__).parents[2] / "data"
SPEC = json.loads((DATA / "compose_service_keys.json").read_text())
HAVEN = json.loads((DATA / "haven_keys.json").read_text())

SAMPLES: dict[str, object] = {
    "annotations": {"a": "b"},
    "attach": False,
    "blkio_config": {
        "weight": 300,
        "weight_device": [{"path": "/dev/a", "weight": 20}],
        "device_read_iops": [{"path": "/dev/a", "rate": "3"}],
    },
    "build": {"context": "/c", "args": {"A": "b"}},
    "cap_add": ["NET_ADMIN"],
    "cap_drop": ["ALL"],
    "cgroup": "host",
    "cgroup_parent": "m",
    "command": ["a", "b c"],
    "configs": [{"source": "c", "target": "/c", "mode": 288}],
    "container_name": "web1",
    "cpu_count": 1,
    "cpu_percent": 30,
    "cpu_period": 100000,
    "cpu_quota": 50000,
    "cpu_rt_period": 14000,
    "cpu_rt_runtime": 40000,
    "cpu_shares": 512,
    "cpus": 0.5,
    "cpuset": "0,1",
    "credential_spec": {"file": "a.json"},
    "depends_on": {"db": {"condition": "service_healthy", "required": False, "restart": True}},
    "deploy": {
        "mode": "replicated",
        "labels": {"a": "b"},
        "update_config": {"delay": "10s", "max_failure_ratio": 0.3},
        "resources": {"reservations": {"cpus": 0.1, "devices": [{"capabilities": ["gpu"], "count": 1}]}},
        "placement": {"constraints": ["node.role==worker"], "preferences": [{"spread": "node.labels.z"}]},
    },
    "develop": {"watch": [{"path": "/p", "action": "rebuild"}]},
    "device_cgroup_rules": ["c 1:3 mr"],
    "devices": [{"source": "/dev/a", "target": "/dev/b", "permissions": "r"}],
    "dns": ["8.8.8.8"],
    "dns_opt": ["use-vc"],
    "dns_search": ["a.example"],
    "domainname": "d.example",
    "entrypoint": ["/e"],
    "env_file": [{"path": "e.env", "required": True}],
    "environment": {"A": "1", "B": "a$b"},
    "expose": ["3000"],
    "extends": {"service": "base"},
    "external_links": ["redis:r"],
    "extra_hosts": ["h=10.0.0.1"],
    "gpus": [{"count": -1}],
    "group_add": ["mail", "33"],
    "healthcheck": {"test": ["CMD", "x"], "interval": "30s", "retries": 3},
    "hostname": "h",
    "image": "nginx:1",
    "init": True,
    "ipc": "shareable",
    "isolation": "default",
    "label_file": ["l"],
    "labels": {"a": "b"},
    "links": ["db:database"],
    "logging": {"driver": "syslog", "options": {"a": "b"}},
    "mac_address": "02:42:ac:11:65:43",
    "mem_limit": "536870912",
    "mem_reservation": "1024",
    "mem_swappiness": 10,
    "memswap_limit": -1,
    "models": {"llm": {"endpoint_var": "E"}},
    "network_mode": "host",
    "networks": {"a": None, "b": {"aliases": ["x"], "priority": 5}},
    "oom_kill_disable": True,
    "oom_score_adj": 500,
    "pid": "host",
    "pids_limit": 10,
    "platform": "linux/amd64",
    "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
    "post_start": [{"command": ["a"]}],
    "pre_start": [{"command": ["a"]}],
    "pre_stop": [{"command": ["a"], "privileged": True}],
    "privileged": True,
    "profiles": ["p"],
    "provider": {"type": "x", "options": {"a": 1}},
    "pull_policy": "always",
    "pull_refresh_after": "24h0m0s",
    "read_only": True,
    "restart": "always",
    "runtime": "runc",
    "scale": 2,
    "secrets": [{"source": "s", "target": "/run/secrets/s", "mode": 256}],
    "security_opt": ["no-new-privileges"],
    "shm_size": "1024",
    "stdin_open": True,
    "stop_grace_period": "1m30s",
    "stop_signal": "SIGUSR1",
    "storage_opt": {"size": "1G"},
    "sysctls": {"net.core.somaxconn": "1024"},
    "tmpfs": ["/run:size=1m"],
    "tty": True,
    "ulimits": {"nofile": {"soft": 1, "hard": 2}, "nproc": 3},
    "umask": 18,
    "use_api_socket": True,
    "user": "1000:1000",
    "userns_mode": "host",
    "uts": "host",
    "volumes": [{"type": "volume", "source": "d", "target": "/d", "volume": {"nocopy": True}}],
    "volumes_from": ["db:ro"],
    "working_dir": "/w",
}


def test_every_key_of_a_compose_service_is_an_option():
    """compose-spec's schema and the table name the same keys."""
    assert sorted(OPTIONS) == sorted(SPEC)


def test_every_key_of_haven_is_accepted_or_refused_with_a_reason():
    """None is unknown, none is accepted and then dropped."""
    assert [key for key in HAVEN if key not in NAMES and key not in REFUSED and key != "include"] == []


def test_every_option_has_a_sample():
    """The tests below leave none out."""
    assert sorted(SAMPLES) == sorted(OPTIONS)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_what_compose_rendered_comes_out_as_it_was(name):
    """Nothing is lost or changed between parse and render, for each option of Compose."""
    rendered = {name: SAMPLES[name]}
    escaped = json.loads(json.dumps(rendered).replace("$", "$$"))
    assert service(compose(**escaped)) == escaped


@pytest.mark.parametrize("name", sorted(name for name, option in OPTIONS.items() if not option.compose_only))
def test_a_form_may_give_what_a_compose_file_may(name):
    """The same value in the same words has the same result."""
    assert service(form(**{name: SAMPLES[name]})) == json.loads(json.dumps({name: SAMPLES[name]}).replace("$", "$$"))


@pytest.mark.parametrize("name", sorted(name for name, option in OPTIONS.items() if option.compose_only))
def test_what_compose_reads_at_rendering_is_for_the_compose_file(name):
    """Anywhere else it would do nothing, or make the host read a file."""
    assert "compose file" in faults(f"{name}: x")[0] or "Compose" in faults(f"{name}: x")[0]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_key_says_why(name):
    """File, line, key, reason."""
    (told,) = faults(f"{name}: x")
    assert told == f"web.yml:1: {name}: is not taken: {REFUSED[name]}"


def test_what_asks_for_nothing_is_let_pass():
    """Haven's exports say `publishAllPorts: false`."""
    assert HARMLESS == {"publishAllPorts": False}
    assert faults("publishAllPorts: false") == []
    assert faults("publishAllPorts=false", "web.properties") == []
    assert len(faults("publishAllPorts: true")) == 1


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("memroyLimit", "memoryLimit"),
        ("MEMORYLIMIT", "memoryLimit"),
        ("mem-limit", "mem_limit"),
        ("enviroment", "environment"),
        ("volumeBind", "volumeBinds"),
        ("portz", "ports"),
    ],
)
def test_an_unknown_key_names_the_nearest(key, near):
    """Whatever its case."""
    assert faults(f"# a\n{key}: x") == [f"web.yml:2: {key}: unknown key; did you mean {near}?"]


def test_an_unknown_key_without_a_neighbour():
    """No guess where there is none."""
    assert faults("qqqq: x") == ["web.yml:1: qqqq: unknown key"]


@pytest.mark.parametrize(
    ("weak", "strong", "left"),
    [
        (
            {"restart": "always"},
            {"deploy": {"restart_policy": {"condition": "any"}}},
            {"deploy": {"restart_policy": {"condition": "any"}}},
        ),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, {"restart": "always"}, {"restart": "always"}),
        ({"cpu_quota": 1, "cpu_period": 2}, {"cpus": 1}, {"cpus": 1}),
        ({"cpus": 1}, {"cpu_quota": 1}, {"cpu_quota": 1}),
        (
            {"healthcheck": {"test": ["CMD", "x"], "retries": 3}},
            {"healthcheck": {"disable": True}},
            {"healthcheck": {"disable": True, "retries": 3}},
        ),
        (
            {"healthcheck": {"disable": True}},
            {"healthcheck": {"test": ["CMD", "x"]}},
            {"healthcheck": {"test": ["CMD", "x"]}},
        ),
        (
            {"healthcheck": {"test": ["CMD", "x"]}},
            {"healthcheck": {"disable": False}},
            {"healthcheck": {"disable": False, "test": ["CMD", "x"]}},
        ),
    ],
)
def test_what_excludes_each_other(weak, strong, left):
    """The stronger side stands alone, so that no accepted word is without effect."""
    assert service(compose(**weak), form(**strong)) == left


def test_exclusion_works_both_ways():
    """Every pair is in the table in both directions."""
    assert {(other, one) for one, other in EXCLUSIVE} == set(EXCLUSIVE)


def test_a_loggers_options_are_its_own():
    """Another driver takes the weaker options away; the same driver, or the default one, keeps them."""
    weak = git("logging: {driver: json-file, options: {max-size: 10m}}")
    assert service(weak, form(logging={"driver": "syslog"}))["logging"] == {"driver": "syslog"}
    assert service(weak, form(logging={"driver": "json-file"}))["logging"]["options"] == {"max-size": "10m"}  # type: ignore[index]
    bare = git("logging: {options: {max-size: 10m}}")
    assert service(bare, form(logging={"driver": "json-file"}))["logging"]["options"] == {"max-size": "10m"}  # type: ignore[index]
    assert "options" not in service(bare, form(logging={"driver": "none"}))["logging"]  # type: ignore[operator]


def test_what_reaches_beyond_the_container_is_marked():
    """Policy and labels rely on it; what is not in the table counts as privileged."""
    assert [privileged((name,)) for name in ("privileged", "devices", "pid", "volumes", "unheard_of")] == [True] * 5
    assert [privileged((name,)) for name in ("mem_limit", "ports", "environment")] == [False] * 3


def test_x_extensions_pass():
    """As in Compose, at the top of a file too: people keep anchors there."""
    assert service(git("x-base: &b {A: 1}\nenvironment:\n  <<: *b\n")) == {
        "x-base": {"A": 1},
        "environment": {"A": "1"},
    }
