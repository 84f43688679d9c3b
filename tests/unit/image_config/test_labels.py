"""Labels are data from strangers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_config import from_labels, resolve
from image_config.labels import ALLOWED, against
from image_config.options import NAMES, OPTIONS, privileged

DIGEST = "sha256:" + "ab" * 32
RUNS = ("command", "entrypoint", "post_start", "pre_start", "pre_stop", "provider")


def read(**labels: object):
    named = {key.replace("__", "."): value for key, value in labels.items()}
    return from_labels(named, image="web:1", digest=DIGEST)  # type: ignore[arg-type]  # strangers' labels


def test_the_labels_of_the_seed():
    """Cluman's own examples work."""
    layer = from_labels(
        {"arg.memory": "512M", "arg.restart": "always", "arg.ports": "8761:8761"}, image="web:1", digest=DIGEST
    )
    assert layer.warnings == ()
    assert resolve([layer]).to_compose() == {
        "mem_limit": "536870912",
        "restart": "always",
        "ports": [{"mode": "ingress", "target": 8761, "published": "8761", "protocol": "tcp"}],
    }
    assert str(layer.entries[0].source) == "image sha256:abababababab…"
    assert (layer.source.digest, layer.source.image) == (DIGEST, "web:1")


def test_havens_and_composes_names():
    """The same option by any of its names; lists, maps and fields as in properties."""
    labels = {
        "arg.memoryLimit": "1g",
        "arg.cpus": "0.5",
        "arg.environment.JAVA_OPTS": "-Xmx1g, -Xms1g",
        "arg.env.MODE": "fast",
        "arg.labels.com.example.role": "web",
        "arg.ports.8080": "80",
        "arg.healthcheck.interval": "30s",
        "arg.environment.constraint:disk": "=~ssd",
    }
    resolved = resolve([from_labels(labels, image="web", digest=DIGEST)])
    assert resolved.warnings == ()
    assert resolved.constraints == ("disk==~ssd",)
    assert resolved.values["environment"] == {"JAVA_OPTS": "-Xmx1g, -Xms1g", "MODE": "fast"}
    assert resolved.values["labels"] == {"com.example.role": "web"}
    assert resolved.values["healthcheck"] == {"interval": "30s"}


def test_only_the_exact_prefix_counts_and_once():
    """Haven took every `arg.` out of the key, and read labels without it."""
    layer = from_labels(
        {"name": "x", "restart": "always", "ARG.memory": "1g", "arg.arg.memory": "1g"}, image="i", digest=""
    )
    assert layer.entries == ()
    assert [notice.key for notice in layer.warnings] == ["arg.arg.memory"]


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("arg.comand", "x", "unknown key"),
        ("arg.command", "rm -rf /", "is not for an image to give"),
        ("arg.entrypoint", "sh", "is not for an image to give"),
        ("arg.healthcheck.test", "curl x", "is not for an image to give"),
        ("arg.privileged", "true", "is not for an image to give"),
        ("arg.volumes", "/:/host", "is not for an image to give"),
        ("arg.volumeBinds", "/var/run/docker.sock:/s", "is not for an image to give"),
        ("arg.devices", "/dev/sda", "is not for an image to give"),
        ("arg.network", "host", "is not for an image to give"),
        ("arg.node", "n1", "is a demand on the node"),
        ("arg.env.constraint:disk", "=ssd", "is a demand on the node"),
        ("arg.image", "evil", "is not for an image to give"),
        ("arg.x-a", "{b: c}", "is not for an image to give"),
        ("arg.memory", "lots", "is not a size"),
        ("arg.environment", "FOO", "has no value"),
        ("arg.memroy", "1g", "unknown key; did you mean memory?"),
        ("arg.labels.com.docker.compose.project", "other", "sets itself"),
        ("arg.build", ".", "belongs in the compose file"),
        ("arg.include", "/etc/passwd", "unknown key"),
        ("arg.kernelMemory", "1g", "is not taken: Docker Engine has removed"),
        ("arg.__proto__", "x", "unknown key"),
        ("arg." + "a.b." * 1000, "x", "has more than 256 characters"),
        ("arg.env.X", "x" * 1_000_000, "has a value of more than 4096"),
        ("arg.memory", 5, "has a value that is not text"),
        ("arg.memory", None, "has a value that is not text"),
        ("arg.", "x", "unknown key"),
        ("arg.ports", "1-60000:1-60000", "range of more than 1024"),
        ("arg.\x1b[2J", "x", "unknown key"),
    ],
)
def test_what_is_not_followed_is_told_and_stops_nothing(key, value, why):
    """A warning names the label and the reason; the rest of the labels count."""
    layer = from_labels({key: value, "arg.restart": "always"}, image="web", digest=DIGEST)
    assert [entry.path for entry in layer.entries] == [("restart",)]
    (notice,) = layer.warnings
    assert why in notice.why
    assert notice.key.isprintable() and len(notice.key) <= 80
    assert str(notice).startswith("image sha256:abababababab…: arg.")


def test_two_labels_for_one_option():
    """The first by name counts, the other is told."""
    layer = from_labels({"arg.memory": "2g", "arg.mem_limit": "1g"}, image="web", digest=DIGEST)
    assert [entry.value for entry in layer.entries] == [1 << 30]
    assert "another label" in layer.warnings[0].why


def test_numbers_are_bounded():
    """Ten thousand labels, a thousand ports, a hundred warnings."""
    many = from_labels({f"arg.env.V{n:05}": "x" for n in range(10_000)}, image="web", digest=DIGEST)
    assert len(many.entries) == 256
    assert "only the first 256" in many.warnings[-1].why
    wide = from_labels(
        {"arg.ports": "1-1000", "arg.expose": ",".join(map(str, range(900)))}, image="web", digest=DIGEST
    )
    assert len(wide.entries) == 512
    assert len(from_labels({f"arg.bad{n}": "" for n in range(250)}, image="web", digest=DIGEST).warnings) <= 65


def test_the_list_of_allowed_options_holds_nothing_privileged():
    """And nothing that runs."""
    assert [path for path in ALLOWED if privileged(path) or path[0] in RUNS] == []
    assert ("healthcheck", "test") not in ALLOWED
    assert all(path[0] in OPTIONS for path in ALLOWED)


NAME = st.sampled_from(sorted(NAMES)) | st.text("abc.x_-", max_size=8)
VALUE = st.text(max_size=20) | st.sampled_from(
    [
        "true",
        "/:/h",
        "host",
        "ALL",
        "/dev/sda",
        "{a: b}",
        "sh -c x",
        "80:80",
        "512M",
        "unconfined",
        "container:x",
        "a=b",
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(
        st.tuples(NAME, st.text("abc.=:", max_size=6)).map(lambda p: f"arg.{p[0]}.{p[1]}".rstrip(".")),
        VALUE,
        max_size=6,
    )
)
def test_no_label_sets_a_privileged_option_or_runs_anything(labels):
    """Whatever its key, whatever its value; and nothing is raised."""
    layer = from_labels(labels, image="web", digest=DIGEST)
    for entry in layer.entries:
        assert not privileged(entry.path)
        assert entry.path[0] not in RUNS
        assert entry.path[:2] != ("healthcheck", "test")
        assert not against(entry.path, entry.value)
    assert layer.marks == ()
    assert not set(resolve([layer]).to_compose()) - {path[0] for path in ALLOWED}
