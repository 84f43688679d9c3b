"""B7, privilege: who is no administrator gets none, by whichever layer, file, variable, label or detour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.doors import Bad, Doors, record
from tests.lab.git import clone
from tests.lab.served import Site

WEB = "services:\n  web:\n    image: bb:1\n"

SERVICE = {
    "privileged": "privileged: true",
    "pid": "pid: host",
    "ipc": "ipc: host",
    "network_mode": "network_mode: host",
    "another's network": "network_mode: container:other-web-1",
    "another's pid": "pid: container:other-web-1",
    "another's ipc": "ipc: container:other-web-1",
    "userns_mode": "userns_mode: host",
    "uts": "uts: host",
    "cgroup": "cgroup: host",
    "cap_add": "cap_add: [ALL]",
    "one capability": "cap_add: [SYS_ADMIN]",
    "devices": "devices: ['/dev/sda:/dev/sda']",
    "device_cgroup_rules": "device_cgroup_rules: ['a *:* rwm']",
    "unconfined": "security_opt: ['seccomp:unconfined']",
    "unconfined, with =": "security_opt: ['apparmor=unconfined']",
    "label:disable": "security_opt: ['label:disable']",
    "systempaths": "security_opt: ['systempaths=unconfined']",
    "bind of everything": "volumes: ['/:/host']",
    "the engine's socket": "volumes: ['/var/run/docker.sock:/s']",
    "the socket's directory": "volumes: ['/run:/s:ro']",
    "etc": "volumes: [{type: bind, source: /etc, target: /e}]",
    "proc": "volumes: ['/proc:/p']",
    "a way around": "volumes: ['/srv/../etc:/e']",
    "volumes_from": "volumes_from: ['container:other-web-1']",
    "cgroup_parent": "cgroup_parent: /",
    "sysctls": "sysctls: {net.ipv4.ip_forward: 1}",
    "tmpfs": "tmpfs: ['/run:exec,suid']",
    "runtime": "runtime: other",
    "gpus": "gpus: all",
    "gpu by reservation": "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
    "credential_spec": "credential_spec: {file: /etc/shadow}",
    "build on the host's network": "build: {context: ., network: host}",
    "privileged build": "build: {context: ., privileged: true}",
    "build's entitlements": "build: {context: ., entitlements: [security.insecure]}",
    "build's keys": "build: {context: ., ssh: [default]}",
    "a low port": "ports: ['80:80']",
    "a range with a low port": "ports: ['1000-1030:2000-2030']",
    "another's link": "external_links: ['other-web-1:db']",
    "a link to nobody": "links: [other]",
    "metadata service": "extra_hosts: ['m:169.254.169.254']",
    "hook with privilege": "post_start: [{command: [id], privileged: true}]",
    "hook before the end": "pre_stop: [{command: [id], user: root, privileged: true}]",
    "provider": "provider: {type: x}",
    "develop": "develop: {watch: [{path: ., action: rebuild}]}",
    "use_api_socket": "use_api_socket: true",
    "oom_kill_disable": "oom_kill_disable: true",
}
PROJECT = {
    "bind through a volume": "    volumes: [data:/v]\nvolumes: {data: {driver_opts: {type: none, o: bind, device: /}}}",
    "another's volume": "    volumes: [data:/v]\nvolumes: {data: {external: true, name: other_data}}",
    "another's volume by name": "    volumes: [data:/v]\nvolumes: {data: {name: other_data}}",
    "another's network": "    networks: [n]\nnetworks: {n: {external: true, name: other_default}}",
    "another's network by name": "    networks: [n]\nnetworks: {n: {name: other_default}}",
    "the host's interface": "    networks: [n]\nnetworks: {n: {driver: macvlan}}",
    "the host's routes": "    networks: [n]\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}",
    "the host's network as a network": "    networks: [n]\nnetworks: {n: {name: host, external: true}}",
    "a secret of the host": "    secrets: [s]\nsecrets: {s: {file: /etc/shadow}}",
    "a config of the host": "    configs: [s]\nconfigs: {s: {file: /etc/shadow}}",
    "another's secret": "    secrets: [s]\nsecrets: {s: {external: true}}",
}
ALL = {
    **{name: f"{WEB}    {text}\n" for name, text in SERVICE.items()},
    **{n: WEB + t + "\n" for n, t in PROJECT.items()},
}
BY_LAYER = {
    "privileged": True,
    "cap_add": ["ALL"],
    "pid": "host",
    "network_mode": "host",
    "volumes": ["/:/host"],
    "devices": ["/dev/sda"],
    "security_opt": ["seccomp:unconfined"],
    "ports": ["80:80"],
    "sysctls": {"net.ipv4.ip_forward": "1"},
    "extra_hosts": ["m:169.254.169.254"],
    "runtime": "other",
    "cgroup_parent": "/",
}
"""The same by an override, by the form, by git."""
LABELS = {
    "arg.privileged": "true",
    "arg.cap_add": "ALL",
    "arg.volumes": "/:/host",
    "arg.volumeBinds": "/var/run/docker.sock:/s",
    "arg.devices": "/dev/sda",
    "arg.pid": "host",
    "arg.network_mode": "host",
    "arg.security_opt": "seccomp:unconfined",
    "arg.command": "id",
    "arg.entrypoint": "id",
    "arg.user": "root",
    "arg.healthcheck.test": "id",
    "arg.extra_hosts": "m:169.254.169.254",
    "arg.cgroup_parent": "/",
}


@pytest.mark.parametrize("compose", ALL.values(), ids=ALL.keys())
def test_a_privilege_asked_for_directly_is_refused(doors: Doors, compose: str) -> None:
    """By the plan and by the deployment, which is on the audit."""
    doors.refused(Bad(compose), by=("plan", "deploy"))
    assert doors.audited() == ["refused"]


@pytest.mark.parametrize("name", ["privileged", "bind of everything", "pid", "cap_add"])
def test_the_form_and_the_command_line_refuse_it_too(doors: Doors, name: str) -> None:
    """With the place of it."""
    doors.refused(Bad(ALL[name]), "web.")


@pytest.mark.parametrize(("option", "value"), BY_LAYER.items(), ids=BY_LAYER.keys())
def test_an_override_carries_no_privilege_past_policy(doors: Doors, option: str, value: object) -> None:
    """The strongest layer is bound as the others are."""
    doors.refused(Bad(WEB, overrides={"web": {option: value}}), by=("plan", "deploy", "page"))


def test_a_second_file_or_an_include_carries_none(doors: Doors, site: Site) -> None:
    """What counts is what all files come to."""
    more = "services:\n  web:\n    privileged: true\n"
    body = {"name": "shop", "files": {"a.yaml": WEB, "b.yaml": more}, "compose_files": ["a.yaml", "b.yaml"]}
    assert site.api("POST", "/applications", doors.token, json=body).status_code == 422
    doors.refused(Bad("include: [b.yaml]\n", {"b.yaml": WEB + "    privileged: true\n"}))
    doors.refused(
        Bad("services:\n  web:\n    extends: {file: b.yaml, service: web}\n", {"b.yaml": WEB + "    pid: host\n"})
    )


def test_a_variable_carries_none(doors: Doors) -> None:
    """Nor a default of one."""
    doors.refused(Bad(WEB + "    privileged: ${P}\n", env="P=true"))
    doors.refused(Bad(WEB + "    volumes: ['${V:-/}:/host']\n"))


@pytest.mark.parametrize(("label", "value"), LABELS.items(), ids=LABELS.keys())
def test_a_strangers_label_gives_none(doors: Doors, site: Site, label: str, value: str) -> None:
    """It is not followed, which is told; the image runs without it."""
    site.nodes.labels["bb:1"] = {label: value}
    plan = site.api("POST", "/applications/plan", doors.token, json={"name": "shop", "compose": WEB}).json()
    assert any(label in warning for warning in plan["warnings"])
    option = label.removeprefix("arg.").partition(".")[0]
    assert f"    {option}:" not in plan["diff"] and value not in plan["diff"].replace(f"{label}", "")


@pytest.mark.parametrize(("option", "value"), BY_LAYER.items(), ids=BY_LAYER.keys())
def test_configuration_in_git_gives_none(doors: Doors, site: Site, tmp_path: Path, option: str, value: object) -> None:
    """An operator who may push gets nothing by it that they would not get by asking."""
    copy = clone(tmp_path / "copy", f"{site.url}/git/config.git", doors.user, doors.token)
    copy.commit({"web.yml": "", "bb.yml": f"{option}: {_flow(value)}\n"})
    copy.push(check=True)
    doors.refused(Bad(WEB), by=("plan", "deploy"))


def test_an_update_is_no_way_around(doors: Doors, site: Site) -> None:
    """What could not be made cannot be made of something that is there."""
    made = site.api("POST", "/applications", doors.token, json={"name": "shop", "compose": WEB})
    assert made.status_code == 202, made.text
    doors.refused(Bad(WEB + "    privileged: true\n"))
    doors.refused(Bad(WEB, overrides={"web": {"pid": "host"}}))


def test_a_push_that_would_give_one_to_a_running_application_is_refused(
    doors: Doors, site: Site, tmp_path: Path
) -> None:
    """Whole, with the application and the reason in the pusher's terminal; what is in force stays."""
    site.api("POST", "/applications", doors.token, json={"name": "shop", "compose": WEB})
    copy = clone(tmp_path / "copy", f"{site.url}/git/config.git", doors.user, doors.token)
    before = record(site.services.kv)
    copy.commit({"bb.yml": "privileged: true\n"})
    said = copy.push()
    assert said.code != 0
    assert "privileged" in said.err and "shop" in said.err
    assert record(site.services.kv) == before


def test_a_rollback_is_no_way_around(doors: Doors, site: Site) -> None:
    """Nobody rolls back to what they could not deploy."""
    boss = site.token()
    for extra in ("    privileged: true\n", ""):
        made = site.api("POST", "/applications", boss, json={"name": "shop", "compose": WEB + extra})
        assert made.status_code == 202, made.text
    answer = site.api("POST", "/applications/default/shop/rollback", doors.token, json={"revision": 1})
    assert answer.status_code == 422, answer.text
    assert "privileged" in answer.text


def test_an_administrator_may(site: Site, doors: Doors) -> None:
    """The same request, from who is bound by no policy."""
    answer = site.api("POST", "/applications/plan", site.token(), json={"name": "shop", "compose": ALL["privileged"]})
    assert answer.status_code == 200, answer.text


def test_a_viewer_may_ask_for_a_plan_and_no_more(site: Site, doors: Doors) -> None:
    """403, whatever is asked for."""
    answer = site.api("POST", "/applications", site.token("vic", "viewer"), json={"name": "shop", "compose": WEB})
    assert answer.status_code == 403


def _flow(value: object) -> str:
    return str(value).replace("'", '"').replace("True", "true")
