"""A stronger layer's value replaces the weaker one of the same path, and hides it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from image_config import Entry, Layer, Source, from_compose, from_labels, resolve
from image_config.options import OPTIONS
from image_config.reading import TWINS
from tests.unit.image_config.say import compose, form, git, origins, service
from tests.unit.image_config.test_options import SAMPLES


def test_four_layers():
    """Image, git, compose, form: each hides what is weaker."""
    layers = [
        from_labels({"arg.memory": "1m", "arg.env.A": "image"}, image="web:1", digest="sha256:" + "0" * 64),
        git("mem_limit: 2m\nenvironment: {A: git, B: git}", commit="3f2c1a00"),
        from_compose({"mem_limit": "3145728", "environment": {"B": "compose"}}, where={"mem_limit": "compose.yaml:4"}),
        form(memory="4m"),
    ]
    resolved = resolve(layers)
    assert origins(resolved) == {
        "environment/A": "3f2c1a:web.yml:2",
        "environment/B": "compose.yaml",
        "mem_limit": "alice 2026-11-21T10:00:00Z",
    }
    (memory,) = [row for row in resolved.explain() if row.option == "mem_limit"]
    assert [(str(source), value >> 20) for source, value in memory.hides] == [  # type: ignore[operator]
        ("compose.yaml:4", 3),
        ("3f2c1a:web.yml:1", 2),
        ("image sha256:000000000000…", 1),
    ]


def test_reset_takes_away_and_is_told():
    """What a tag removed is explained as removed, with what it was."""
    resolved = resolve([git("ports: ['1:1']\ncpus: 1"), git("ports: !reset null", "x.yml")])
    assert resolved.to_compose() == {"cpus": 1}
    (gone,) = [row for row in resolved.explain() if row.removed]
    assert (gone.option, gone.key, str(gone.source), gone.text) == ("ports", "1/tcp", "3f2c1a:x.yml:1", "removed")
    assert str(gone.hides[0][0]) == "3f2c1a:web.yml:1"


def test_what_was_taken_away_can_come_back():
    """A still stronger layer's word counts, and hides the whole history."""
    resolved = resolve([git("cpus: 1"), git("cpus: !reset null", "x.yml"), form(cpus=2)])
    (row,) = resolved.explain()
    assert (row.value, [value for _, value in row.hides], row.removed) == (2, [1], False)


def test_override_replaces_lists_and_maps():
    """And its own order counts."""
    weak = git("dns: [a, b]\nenvironment: {A: 1, B: 2}\ncommand: x")
    strong = git("dns: !override [b, a]\nenvironment: !override {C: 3}\ncommand: !override [y]", "x.yml")
    assert service(weak, strong) == {"dns": ["b", "a"], "environment": {"C": "3"}, "command": ["y"]}


def test_tags_reach_into_options():
    """A name of a map, a field of a record, a whole sub-record; the twin of a removed place goes with it."""
    weak = git(
        "labels: {a: 1, b: 2}\nhealthcheck: {interval: 1s, retries: 2}\ndeploy: {resources: {limits: {memory: 1}}}"
    )
    reset = "labels: {a: !reset null}\nhealthcheck: {interval: !reset null}\ndeploy: {resources: !reset null}"
    strong = git(reset, "x.yml")
    assert service(weak, strong) == {"labels": {"b": "2"}, "healthcheck": {"retries": 2}}
    assert service(git("memory: 1k"), git("deploy: {resources: {limits: {memory: !reset null}}}", "x.yml")) == {}


def test_tags_look_only_at_weaker_layers():
    """`!reset` in git does not touch what the compose file says."""
    assert service(git("cpus: !reset null"), compose(cpus=1)) == {"cpus": 1}


def test_warnings_come_through():
    """Of every layer, in order."""
    labels = from_labels({"arg.nope": "x"}, image="web", digest="")
    told = [str(notice) for notice in resolve([labels, git("cpus: 1")]).warnings]
    assert told == ["image web: arg.nope: unknown key"]


def test_no_layers_give_nothing():
    """An empty service is no fault here."""
    assert resolve([]).to_compose() == {} == resolve([Layer(Source("git"))]).values


NAMES = st.sampled_from([name for name, option in sorted(OPTIONS.items()) if not option.compose_only])
ALTERNATIVES: dict[str, list[object]] = {
    "mem_limit": ["1m", "2m"],
    "cpus": [1, 2],
    "restart": ["no", "always"],
    "hostname": ["a", "b"],
    "command": [["x"], ["y", "z"]],
    "environment": [{"A": "1"}, {"A": "2", "B": "3"}, {"constraint:disk": "=ssd"}],
    "labels": [{"a": "1"}, {"a": "2"}, {"b": "1"}],
    "ports": [["80:80"], ["81:80", "443:443"], ["53:53/udp"]],
    "volumes": [["a:/d"], ["b:/d", "c:/e"]],
    "deploy": [{"resources": {"limits": {"memory": "3m"}}}, {"replicas": 2}, {"restart_policy": {"condition": "any"}}],
    "healthcheck": [{"test": "x"}, {"disable": True}, {"interval": "3s"}],
    "logging": [{"driver": "syslog"}, {"options": {"a": "b"}}],
    "networks": [["a"], {"b": {"aliases": ["x"]}}],
    "network_mode": ["host"],
}
VALUES = NAMES.flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from([SAMPLES[name], *ALTERNATIVES.get(name, [])]))
)
TWICE_PLACED = {path[0] for path in TWINS.values()}
FORMS = (
    st.lists(VALUES, max_size=6).map(dict).filter(lambda said: not ("deploy" in said and said.keys() & TWICE_PLACED))
)
"""One form gives an option in one of its two places; both are refused."""
TAGGED = st.dictionaries(NAMES, st.just({"!reset": None}), max_size=2)
STACKS = st.lists(st.tuples(FORMS, TAGGED).map(lambda both: {**both[0], **both[1]}), min_size=1, max_size=4)


def stack(forms):
    return [form(**values) for values in forms]


@settings(max_examples=200, deadline=None)
@given(STACKS)
def test_resolving_is_deterministic(forms):
    """Equal layers, in whatever order their names were written, give equal bytes and equal explanations."""
    turned = [dict(reversed(values.items())) for values in forms]
    one, two = resolve(stack(forms)), resolve(stack(turned))
    assert str(one.to_compose()) == str(two.to_compose())
    assert str(resolve(stack(forms)).explain()) == str(one.explain())


@settings(max_examples=200, deadline=None)
@given(STACKS)
def test_explain_applied_again_gives_the_same_result(forms):
    """The explanation is the whole of the result: its values as the only layer resolve to it, and to itself."""
    resolved = resolve(stack(forms))
    rows = [row for row in resolved.explain() if not row.removed]
    again = resolve([Layer(Source("form"), tuple(Entry(row.path, row.value, row.source) for row in rows))])
    assert again.values == resolved.values
    assert again.constraints == resolved.constraints
    assert [(r.path, r.value, r.source) for r in again.explain()] == [(r.path, r.value, r.source) for r in rows]


@settings(max_examples=200, deadline=None)
@given(STACKS, FORMS)
def test_the_stronger_layer_always_wins(forms, last):
    """Every scalar, command and name the strongest layer gives is in the result, as it gave it."""
    alone, whole = resolve([form(**last)]), resolve([*stack(forms), form(**last)])
    for path, chain in alone.chains.items():
        assert whole.chains[path][0] == chain[0]


@settings(max_examples=200, deadline=None)
@given(STACKS)
def test_what_is_rendered_reads_back_as_it_is(forms):
    """No accepted value is lost between parse and render: all in force is there, and reads back as the same."""
    resolved = resolve(stack(forms))
    rendered = resolved.to_compose()
    again = resolve([from_compose(rendered)])
    assert again.to_compose() == rendered
    assert again.values == resolved.values


@settings(max_examples=200, deadline=None)
@given(STACKS)
def test_every_weaker_value_is_hidden_in_force_or_gone(forms):
    """Nothing that was said disappears from the explanation."""
    layers = stack(forms)
    rows = resolve(layers).explain()
    told = {(row.path, str(row.source), str(row.value)) for row in rows if not row.removed}
    told |= {(row.path, str(source), str(value)) for row in rows for source, value in row.hides}
    assert {(e.path, str(e.source), str(e.value)) for layer in layers for e in layer.entries} <= told
