"""From lines of text to options: the option says how its text is cut."""

import pytest

from tests.unit.image_config.say import faults, git, service


def properties(text: str) -> dict[str, object]:
    return service(git(text, "web.properties"))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("memoryLimit=512M", {"mem_limit": "536870912"}),
        ("restart=on-failure:3", {"restart": "on-failure:3"}),
        ("cpusetCpus=0,1", {"cpuset": "0,1"}),
        ("environment.FOO=a,b:c=d", {"environment": {"FOO": "a,b:c=d"}}),
        ("environment=A=1,B=2", {"environment": {"A": "1", "B": "2"}}),
        ("env.A.B=1", {"environment": {"A.B": "1"}}),
        ("labels.com.example.role=web", {"labels": {"com.example.role": "web"}}),
        ("labels=a:b,c=d:e,f", {"labels": {"a": "b", "c": "d:e", "f": ""}}),
        ("dns=10.0.0.1, 10.0.0.2", {"dns": ["10.0.0.1", "10.0.0.2"]}),
        ("dns.0=10.0.0.1\ndns.1=10.0.0.2", {"dns": ["10.0.0.1", "10.0.0.2"]}),
        ("volumeBinds=v:/b:ro", {"volumes": [{"type": "volume", "source": "v", "target": "/b", "read_only": True}]}),
        ("command=sh -c 'a, b'", {"command": ["sh", "-c", "a, b"]}),
        (
            "healthcheck.test=curl -f http://x\nhealthcheck.interval=30s",
            {"healthcheck": {"test": ["CMD-SHELL", "curl -f http://x"], "interval": "30s"}},
        ),
        (
            "logging.driver=syslog\nlogging.options.max-size=10m",
            {"logging": {"driver": "syslog", "options": {"max-size": "10m"}}},
        ),
        (
            "ulimits.nofile.soft=1\nulimits.nofile.hard=2\nulimits.nproc=3",
            {"ulimits": {"nofile": {"soft": 1, "hard": 2}, "nproc": 3}},
        ),
        ("deploy.resources.limits.memory=1k", {"deploy": {"resources": {"limits": {"memory": "1024"}}}}),
        (
            "networks.back.ipv4_address=10.0.0.2\nnetworks.back.aliases=a,b",
            {"networks": {"back": {"aliases": ["a", "b"], "ipv4_address": "10.0.0.2"}}},
        ),
        ("networks=a,b", {"networks": {"a": None, "b": None}}),
        ("network=host", {"network_mode": "host"}),
        ("links.database=db", {"links": ["db:database"]}),
        ("links=db:database", {"links": ["db:database"]}),
        ("extraHosts=h:10.0.0.1", {"extra_hosts": ["h=10.0.0.1"]}),
        ("privileged=false", {"privileged": False}),
        ("blkioWeight=300", {"blkio_config": {"weight": 300}}),
        ("x-a={b: [1]}", {"x-a": {"b": [1]}}),
        ("gpus=all", {"gpus": "all"}),
        ("storage_opt.size=1G", {"storage_opt": {"size": "1G"}}),
        ("secrets=a,b", {"secrets": [{"source": "a"}, {"source": "b"}]}),
        ("depends_on=db", {"depends_on": {"db": {"condition": "service_started", "required": True}}}),
    ],
)
def test_a_line_of_properties(line, value):
    """Values are cut by what the option is, not by what they look like."""
    assert properties(line) == value


def test_ports_in_properties():
    """Host and container keep their sides."""
    both = properties("ports=8761:8762,53:53/udp\n")["ports"]
    assert [(p["published"], p["target"], p["protocol"]) for p in both] == [("8761", 8762, "tcp"), ("53", 53, "udp")]  # type: ignore[attr-defined]
    assert properties("ports.8761=8762\nports.80=81\n")["ports"][1]["target"] == 81  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("memroy=1g", "web.properties:1: memroy: unknown key; did you mean memory?"),
        ("a=1\nmemory.x=1g", "web.properties:2: memory.x: has nothing below it"),
        ("healthcheck=x", "takes one of test, interval"),
        ("healthcheck.intervall=3s", "did you mean interval?"),
        ("dns.x=1", "takes a list; write its items with commas"),
        (
            "mem_limit=1g\n# c\nmemory=1g",
            "properties:3: memory: gives mem_limit a second time; it is given already on line 1",
        ),
        (
            "mem_limit=1g\nmem_limit=2g",
            "properties:2: mem_limit: is given a second time; it is given already on line 1",
        ),
        ("env.A=1\nenv=A=2", "web.properties:2: env: is given a second time"),
        ("x-a=[", "is not YAML"),
        ("x-a.b=1", "has nothing below it"),
        ("secrets.s=x", "takes a list"),
    ],
)
def test_faults_of_properties(text, why):
    """With the line, as in YAML."""
    assert any(why in told for told in faults(text, "web.properties")), faults(text, "web.properties")


def test_every_fault_is_told_at_once():
    """A person mends a file in one pass."""
    assert [told.split(": ")[1] for told in faults("mem_limit: x\nfoo: 1\nports: [a, b]\n")] == [
        "mem_limit",
        "foo",
        "ports/0",
        "ports/1",
    ]


@pytest.mark.parametrize("text", ["- a", "5", "text", "!override {a: 1}", "!reset null"])
def test_a_file_is_a_mapping_of_options(text):
    """Tags are for options."""
    assert len(faults(text)) == 1


def test_a_file_may_say_nothing():
    """Empty, or comments."""
    assert service(git("")) == {} == service(git("# later\n", "web.properties"))
