"""What becomes of projects is what `docker stack` takes: it refuses a file for one option that it does not know."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appserver.adapters.compose import DockerCompose
from appserver.adapters.sealer import KeySealer
from appserver.agent.stack_project import StackProjects
from appserver.core import compose as projects
from appserver.core import stacks
from appserver.core.entities import AppKey, Options, ProjectFiles
from appserver.core.updates import Update
from tests.lab.records import revision

KEY = AppKey("harbour", "shop")
ENGINE: Any = None

RICH = r"""
services:
  web:
    image: bb:1
    build: .
    command: [sh, -c, "echo $$HOME"]
    entrypoint: [/init]
    environment: {A: "1", B: , PRICE: "5$$"}
    env_file: [web.env]
    labels: {team: shop}
    ports: ["8080:80", "443", {target: 53, published: "53", protocol: udp, mode: host, name: dns, app_protocol: dns}]
    expose: ["9000", "9001-9003"]
    volumes:
      - data:/data:ro
      - /srv/web:/srv:rw,rslave
      - {type: tmpfs, target: /scratch, tmpfs: {size: 64m, mode: 0700}}
      - {type: volume, source: data, target: /part, volume: {nocopy: true, subpath: a}}
      - /anonymous
    tmpfs: ["/run:size=16m,mode=755,noexec", /tmp]
    configs: [{source: motd, target: /etc/motd, uid: "1", gid: "1", mode: 0444}, plain]
    secrets: [{source: key, mode: 0400}]
    healthcheck:
      {test: curl -f localhost, interval: 5s, timeout: 1m30s, retries: 3, start_period: 5s, start_interval: 1s}
    networks: {default: {aliases: [www], priority: 5}, back: }
    depends_on: {db: {condition: service_healthy, restart: true}}
    dns: 198.51.100.1
    dns_search: example.org
    dns_opt: ["ndots:1"]
    extra_hosts: ["a:198.51.100.2", "b:::1", "c=host-gateway"]
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    ulimits: {nproc: 100, nofile: {soft: 10, hard: 20}}
    sysctls: {net.core.somaxconn: 1024}
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    init: true
    user: "1000:1000"
    hostname: web
    domainname: example.org
    working_dir: /srv
    read_only: true
    stdin_open: true
    tty: true
    stop_signal: SIGINT
    stop_grace_period: 1m10s
    restart: on-failure:3
    mem_limit: 256m
    mem_reservation: 64m
    cpus: 0.5
    pids_limit: 100
    cpu_shares: 512
    shm_size: 64m
    oom_score_adj: 5
    container_name: the-web
    pull_policy: always
    profiles: []
  db:
    image: bb:1
    healthcheck: {disable: true}
    deploy:
      replicas: 2
      labels: {a: b}
      endpoint_mode: vip
      restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 2m}
      update_config: {parallelism: 0, delay: 10s, failure_action: rollback, monitor: 1m, max_failure_ratio: 0.5}
      rollback_config: {parallelism: 1, order: start-first}
      resources:
        limits: {cpus: "0.5", memory: 50M, pids: 10}
        reservations:
          cpus: "0.25"
          memory: 20M
          generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]
      placement:
        constraints: [node.role == manager]
        preferences: [{spread: node.labels.zone}]
        max_replicas_per_node: 1
  job:
    image: bb:1
    restart: "no"
    deploy: {mode: replicated-job, replicas: 3}
networks:
  back:
    driver: bridge
    internal: true
    attachable: true
    enable_ipv6: true
    labels: {a: b}
    ipam:
      driver: default
      config: [{subnet: 198.18.7.0/24, gateway: 198.18.7.1, ip_range: 198.18.7.0/25}]
      options: {a: b}
  theirs: {name: ingress-of-others, external: true}
volumes:
  data: {labels: {a: b}}
  theirs: {external: true, name: theirs}
configs:
  motd: {content: "ahoy $$HOME"}
  plain: {file: ./plain.txt}
secrets:
  key: {environment: KEY}
x-other: {a: 1}
"""


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> StackProjects:
    folder = tmp_path_factory.mktemp("stacks")
    return StackProjects(ENGINE, KeySealer(bytes(32)), folder, folder)


def told(texts: StackProjects, project: projects.Project, services: projects.Project) -> Any:
    """What `docker stack` reads in the text that it is given."""
    rest = {name: value for name, value in project.items() if name not in ("services", "name")}
    wanted = revision(KEY, 1, services, **rest)  # type: ignore[arg-type]
    with texts.stack(KEY, wanted) as (text, _):
        argv = ("docker", "stack", "config", "-c", "-")
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{text}"
        return yaml.safe_load(done.stdout)


def test_a_project_with_everything_is_taken(compose: DockerCompose, texts: StackProjects) -> None:
    """As Compose of this machine renders it: nothing is refused by Swarm's own reader that we let pass."""
    files = ProjectFiles(
        "shop", {"compose.yaml": RICH, "web.env": "C=3\n", "plain.txt": "plain\n"}, env_file="KEY=capstan\n"
    )
    base = compose.render(files)
    said = Options(replicas=3, spread="rack", update=Update(delay_s=0.5, monitor_s=5.0, max_failures=1))
    made = stacks.stack(base, projects.services(base), said, {"web": ("disk==ssd", "node!=n1")})
    assert made.faults == ()
    read = told(texts, made.project, made.services)
    web, db, job = (read["services"][name] for name in ("web", "db", "job"))
    assert web["command"] == ["sh", "-c", "echo $HOME"]
    assert web["environment"]["PRICE"] == "5$"
    assert web["deploy"]["placement"]["constraints"] == ["node.labels.disk==ssd", "node.labels.moorage.node!=n1"]
    assert (web["deploy"]["replicas"], db["deploy"]["replicas"], job["deploy"]["replicas"]) == (3, 2, 3)
    assert {one["target"]: one.get("tmpfs") for one in web["volumes"] if one["type"] == "tmpfs"} == {
        "/scratch": {"size": 64 << 20},
        "/run": {"size": 16 << 20},
        "/tmp": None,
    }


def amounts(**known: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=known)


TIMES = st.sampled_from(["0s", "1.5s", "1m0s"])
NUMBERS = st.integers(0, 5)
WORDS = st.sampled_from(["a", "b-c", "x_1"])
SERVICES = amounts(
    restart=st.sampled_from(["no", "always", "unless-stopped", "on-failure", "on-failure:2"]),
    scale=NUMBERS,
    mem_limit=st.sampled_from(["0", "1048576"]),
    cpus=st.sampled_from([0, 0.25, "1.5"]),
    pids_limit=st.integers(1, 9),
    tmpfs=st.lists(st.sampled_from(["/a", "/b:size=1m", "/c:mode=700,exec"]), max_size=2),
    ports=st.lists(
        st.fixed_dictionaries(
            {"target": st.integers(1, 99)},
            optional={"published": st.sampled_from(["", "80"]), "mode": st.sampled_from(["host", "ingress"])},
        ),
        max_size=2,
    ),
    volumes=st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["bind", "tmpfs", "volume"]), "target": st.just("/x")},
            optional={"read_only": st.booleans(), "tmpfs": amounts(size=st.just("5"), mode=st.sampled_from([7, "07"]))},
        ).map(lambda one: {**one, **({} if one["type"] == "tmpfs" else {"source": "/y"})}),
        max_size=2,
    ),
    networks=st.dictionaries(st.just("default"), st.one_of(st.none(), amounts(aliases=st.lists(WORDS, max_size=2)))),
    healthcheck=amounts(test=st.just(["CMD", "true"]), interval=TIMES, retries=NUMBERS, disable=st.booleans()),
    extra_hosts=st.lists(st.just("a=198.51.100.1"), max_size=1),
    dns_opt=st.just(["a"]),
    init=st.booleans(),
    cap_add=st.lists(WORDS, max_size=2),
    dns=st.lists(st.just("198.51.100.1"), max_size=2),
    command=st.lists(WORDS, max_size=3),
    deploy=amounts(
        mode=st.sampled_from(["replicated", "global", "replicated-job", "global-job"]),
        replicas=NUMBERS,
        restart_policy=amounts(condition=st.sampled_from(["any", "none", "on-failure"]), max_attempts=NUMBERS),
        update_config=amounts(parallelism=NUMBERS, delay=TIMES, order=st.just("start-first")),
        rollback_config=amounts(parallelism=NUMBERS),
        resources=amounts(
            limits=amounts(memory=st.just("5"), cpus=st.just("0.5"), pids=NUMBERS),
            reservations=amounts(memory=st.just("5"), cpus=st.just("0.5")),
        ),
        placement=amounts(constraints=st.lists(st.just("node.role==a"), max_size=2), max_replicas_per_node=NUMBERS),
        labels=st.dictionaries(WORDS, WORDS),
    ),
)  # fmt: skip
SAID = st.builds(
    Options,
    replicas=st.integers(1, 9),
    mode=st.sampled_from(["replicated", "global"]),
    spread=st.sampled_from(["", "rack"]),
    update=st.builds(
        Update,
        parallelism=NUMBERS,
        share=st.sampled_from([0, 1, 33, 100]),
        order=st.sampled_from(["stop-first", "start-first"]),
        delay_s=st.floats(0, 86_400),
        monitor_s=st.floats(0, 86_400),
        max_failures=NUMBERS,
    ),
)


def test_what_is_said_twice_is_told_once(texts: StackProjects) -> None:
    """Swarm's reader takes no entry of a list twice; of a command each word counts."""
    service = {
        "image": "bb:1",
        "command": ["echo", "a", "a"],
        "networks": {"default": {"aliases": ["a", "b", "a"]}},
        **{option: ["1", "1"] for option in ("cap_add", "cap_drop", "dns", "dns_search", "expose")},
    }
    made = stacks.stack({"name": "shop", "networks": {"default": {}}}, {"web": service}, Options(), {})
    web = told(texts, made.project, made.services)["services"]["web"]
    assert web["command"] == ["echo", "a", "a"]
    assert web["networks"]["default"]["aliases"] == ["a", "b"]
    assert [web[option] for option in ("cap_add", "cap_drop", "dns", "dns_search")] == [["1"]] * 4


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(service=SERVICES, said=SAID)
def test_whatever_is_asked_for_is_taken_or_refused(
    texts: StackProjects, service: dict[str, Any], said: Options
) -> None:
    """Of what we do not refuse, Swarm's reader refuses nothing."""
    base = {"name": "shop", "networks": {"default": {"name": "shop_default"}}}
    made = stacks.stack(base, {"web": {"image": "bb:1", **service}}, said, {})
    assert made.faults == ()
    told(texts, made.project, made.services)
