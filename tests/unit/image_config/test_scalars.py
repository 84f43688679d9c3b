"""One value: what each kind takes, and the reason when it does not."""

import pytest

from tests.unit.image_config.say import compose, faults, form, git, service


@pytest.mark.parametrize(
    ("text", "option", "value"),
    [
        ("mem_limit: 512M", "mem_limit", "536870912"),
        ("mem_limit: 1024", "mem_limit", "1024"),
        ("memory: 1.5GiB", "mem_limit", "1610612736"),
        ("memorySwap: -1", "memswap_limit", -1),
        ("mem_swappiness: 10", "mem_swappiness", 10),
        ("shm_size: 64m", "shm_size", "67108864"),
        ("cpus: '0.20'", "cpus", 0.2),
        ("cpus: 2.0", "cpus", 2),
        ("cpuQuota: 50ms", "cpu_quota", 50_000),
        ("cpu_quota: -1", "cpu_quota", -1),
        ("cpu_shares: '512'", "cpu_shares", 512),
        ("cpu_shares: 1e3", "cpu_shares", 1000),
        ("cpu_percent: 30.5", "cpu_percent", 30.5),
        ("cpusetCpus: 0-2,5", "cpuset", "0-2,5"),
        ("cpusetCpus: 0,1", "cpuset", "0,1"),
        ("cpuset: 3", "cpuset", "3"),
        ("restart: no", "restart", "no"),
        ("restart: on-failure:3", "restart", "on-failure:3"),
        ("init: true", "init", True),
        ("init: 'FALSE'", "init", False),
        ("stop_grace_period: 90s", "stop_grace_period", "1m30s"),
        ('command: bundle exec "thin -p" $PORT', "command", ["bundle", "exec", "thin -p", "$$PORT"]),
        ("command: [sleep, 10]", "command", ["sleep", "10"]),
        ("command: []", "command", []),
        ("entrypoint: ''", "entrypoint", []),
        ("hostname: 5", "hostname", "5"),
        ("user: 0o14", "user", "12"),
        ("gpus: all", "gpus", "all"),
        ("gpus: [{count: 1}]", "gpus", [{"count": 1}]),
        ("cgroup: private", "cgroup", "private"),
        ("cap_add: NET_ADMIN", "cap_add", ["NET_ADMIN"]),
        ("x-team: {a: [1, 2.5, null]}", "x-team", {"a": [1, 2.5, None]}),
    ],
)
def test_accepted_and_written_as_compose_does(text, option, value):
    """One form comes out, whatever was written."""
    assert service(git(text)) == {option: value}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mem_limit: 1x", 'mem_limit: "1x" is not a size; write 512M, 1.5g or a number of bytes'),
        ("mem_limit: 1.5", '"1.5" is not a whole number of bytes'),
        ("mem_limit: -1", "is not a size"),
        ("mem_limit: 0777", "begins with a zero, which Compose reads as octal"),
        ("mem_limit: '010'", "begins with a zero"),
        ("mem_limit: {a: 1}", "mem_limit: takes one value, not a list or mapping"),
        ("mem_limit:", "mem_limit: has no value; write one, or !reset null"),
        ("cpu_shares: 1.5", "is not a whole number"),
        ("cpu_shares: true", "is not a number"),
        ("cpu_shares: -1", "is not between"),
        ("cpu_shares: '" + "9" * 50 + "'", "is not a number"),
        ("cpu_shares: 9999999999999999999", "is not between"),
        ("cpu_percent: 1e400", "more than a number can hold"),
        ("cpu_percent: nan", "is not a number"),
        ("cpus: many", "is not a number of cores"),
        ("cpusetCpus: all", "is not a set like 0-2 or 1,3"),
        ("restart: on-failure:x", "is not a restart policy"),
        ("restart: false", '"false" is not a restart policy'),
        ("privileged: on", '"on" is not true or false'),
        ("privileged: yes", '"yes" is not true or false'),
        ("privileged: 1", '"1" is not true or false'),
        ("stop_grace_period: 10", "has no unit; write 10s for seconds"),
        ("stop_grace_period: soon", "is not a duration"),
        ("cgroup: hots", "is not one of host, private; did you mean host?"),
        ("command: 'a \"b'", "cannot be split into words"),
        ("command: [[a]]", "takes one value"),
        ("command: {a: b}", "takes one value"),
        ("command:", "has no value"),
        ("name: -x", "is not a container's name"),
        ('hostname: "a\\0b"', "holds a NUL byte"),
        ("healthcheck: {test: [curl, x]}", "must begin with NONE, CMD or CMD-SHELL"),
        ("healthcheck: {test: []}", "must begin with"),
        ("secrets: [{source: s, mode: rw}]", "is not a file mode"),
        ("gpus:", "has no value"),
        ("blkioWeight: 5", "is not between 10 and 1000"),
    ],
)
def test_refused_with_the_reason(text, why):
    """File and line come first; the value is quoted."""
    (told,) = faults(text)
    assert told.startswith("web.yml:1: ")
    assert why in told


def test_file_modes_are_octal_where_they_look_so():
    """0440 is what everybody means by it, in YAML, quoted, and in properties."""
    for text in ("0440", "'0440'", "0o440", "288"):
        assert service(git(f"secrets: [{{source: s, mode: {text}}}]"))["secrets"] == [{"source": "s", "mode": 288}]


def test_a_health_checks_test():
    """One line is for a shell."""
    assert service(form(healthcheck={"test": "curl -f x"}))["healthcheck"] == {"test": ["CMD-SHELL", "curl -f x"]}
    assert service(form(healthcheck={"test": ["NONE"]}))["healthcheck"] == {"test": ["NONE"]}


def test_nothing_is_what_compose_prints_for_an_absent_command():
    """`command: null` in JSON is no command of anybody."""
    assert service(compose(command=None, image="x")) == {"image": "x"}
