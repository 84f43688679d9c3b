"""Records with more to say: ulimits, deployment and the twins of Compose."""

import pytest

from image_config import resolve
from tests.unit.image_config.say import compose, faults, form, git, origins, service


def test_ulimits():
    """A number, or soft and hard apart; by limit the stronger replaces both."""
    weak = git("ulimits: {nofile: {soft: 10, hard: 20}, nproc: 5}")
    assert service(weak)["ulimits"] == {"nofile": {"soft": 10, "hard": 20}, "nproc": 5}
    assert service(weak, form(ulimits={"nofile": 7}))["ulimits"] == {"nofile": 7, "nproc": 5}
    assert "takes a number, or soft and hard" in faults("ulimits: {nofile: {soft: 1}}")[0]


@pytest.mark.parametrize(
    ("short", "value", "place"),
    [
        ("mem_limit", "512M", {"resources": {"limits": {"memory": "536870912"}}}),
        ("cpus", "0.5", {"resources": {"limits": {"cpus": 0.5}}}),
        ("pids_limit", 7, {"resources": {"limits": {"pids": 7}}}),
        ("mem_reservation", "512M", {"resources": {"reservations": {"memory": "536870912"}}}),
        ("scale", 3, {"replicas": 3}),
    ],
)
def test_one_option_with_two_places_is_one_option(short, value, place):
    """Compose refuses a service where the two differ: a stronger word for either is the word for both."""
    resources = {"limits": {"memory": "1", "cpus": 1, "pids": 1}, "reservations": {"memory": "1"}}
    theirs = compose(deploy={"resources": resources, "replicas": 1})
    merged = service(theirs, form(**{short: value}))
    assert short not in merged
    inside = merged["deploy"]
    while isinstance(place, dict):
        ((name, place),) = place.items()
        inside = inside[name]  # type: ignore[index]
    assert inside == place


def test_it_is_written_where_the_compose_file_wrote_it():
    """In both places where the file has both; in Compose's short one where nobody said otherwise."""
    both = compose(mem_limit="1024", deploy={"resources": {"limits": {"memory": "1024"}}})
    assert service(both, form(memory="2k")) == {
        "mem_limit": "2048",
        "deploy": {"resources": {"limits": {"memory": "2048"}}},
    }
    ours = git("deploy: {resources: {limits: {memory: 1k}}}")
    assert service(ours) == {"deploy": {"resources": {"limits": {"memory": "1024"}}}}
    assert service(ours, compose(mem_limit="2048")) == {"mem_limit": "2048"}


def test_giving_both_in_one_file_is_refused():
    """They are one option."""
    told = faults("mem_limit: 1g\ndeploy: {resources: {limits: {memory: 1g}}}")
    why = "gives mem_limit a second time; it is given already on line 1"
    assert told == [f"web.yml:2: deploy/resources/limits/memory: {why}"]


def test_explained_under_one_name():
    """The weaker value in the other place is what it hides."""
    resolved = resolve([git("memory: 1g"), compose(deploy={"resources": {"limits": {"memory": "2048"}}})])
    assert origins(resolved) == {"mem_limit": "compose.yaml"}
    assert [(str(s), v) for s, v in resolved.explain()[0].hides] == [("3f2c1a:web.yml:1", 1 << 30)]


def test_blkio_weight_by_havens_name():
    """A field of Compose's record."""
    assert service(git("blkioWeight: 300"), form(blkio_config={"weight": 400})) == {"blkio_config": {"weight": 400}}
