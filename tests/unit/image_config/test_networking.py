"""Networks, links, host names, dependencies."""

import pytest

from tests.unit.image_config.say import compose, faults, form, git, service


def test_havens_network_is_a_mode_or_a_network():
    """bridge, host, none and container: are modes; anything else names a network."""
    assert service(git("network: host")) == {"network_mode": "host"}
    assert service(git("network: 'container:abc'")) == {"network_mode": "container:abc"}
    assert service(git("network: back")) == {"networks": {"back": None}}
    assert "takes one value" in faults("network: [a]")[0]


def test_networks_merge_by_name_and_field():
    """A name alone attaches; options of a network are its fields."""
    theirs = compose(networks={"back": {"aliases": ["db"], "priority": 5}, "front": None})
    ours = form(networks={"back": {"ipv4_address": "10.0.0.5", "aliases": ["sql"]}})
    assert service(theirs, ours)["networks"] == {
        "back": {"aliases": ["db", "sql"], "ipv4_address": "10.0.0.5", "priority": 5},
        "front": None,
    }
    assert service(git("networks: [a, b]"))["networks"] == {"a": None, "b": None}
    assert service(git("networks: {a: {}}"))["networks"] == {"a": None}


def test_the_network_that_compose_adds_is_nobodys_word():
    """It stays where nobody says more, and gives way to any layer that does, however weak."""
    implied = compose(networks={"default": None})
    assert service(implied) == {"networks": {"default": None}}
    assert service(git("networks: [back]"), implied) == {"networks": {"back": None}}
    assert service(git("network: host"), implied) == {"network_mode": "host"}


def test_mode_and_networks_exclude_each_other():
    """Compose refuses both together: the stronger word stands alone."""
    theirs = compose(networks={"back": None})
    assert service(theirs, form(network_mode="host")) == {"network_mode": "host"}
    assert service(compose(network_mode="host"), form(networks=["back"])) == {"networks": {"back": None}}


def test_links_in_both_directions_of_writing():
    """Compose lists service:alias, Haven maps alias to name; by alias the stronger wins."""
    assert service(git("links: {database: db, cache: redis}"))["links"] == ["db:database", "redis:cache"]
    assert service(git("links: [db, 'redis:cache']"), form(links=["other:cache"]))["links"] == ["db", "other:cache"]
    assert "is not a link" in faults("links: ['a:b:c']")[0]


@pytest.mark.parametrize(
    "text",
    [
        "extra_hosts: {h: 10.0.0.1, v6: '::1'}",
        "extraHosts: ['h:10.0.0.1', 'v6:::1']",
        "extra_hosts: [h=10.0.0.1, 'v6=[::1]']",
    ],
)
def test_extra_hosts_in_three_forms(text):
    """As Compose prints them, sorted."""
    assert service(git(text))["extra_hosts"] == ["h=10.0.0.1", "v6=::1"]


def test_a_host_may_have_several_addresses_and_a_stronger_layer_replaces_them():
    """By host name."""
    weak = git("extra_hosts: {h: [10.0.0.1, 10.0.0.2], gate: host-gateway}")
    assert service(weak)["extra_hosts"] == ["gate=host-gateway", "h=10.0.0.1", "h=10.0.0.2"]
    assert service(weak, form(extra_hosts=["h=10.0.0.9"]))["extra_hosts"] == ["gate=host-gateway", "h=10.0.0.9"]
    assert "is not a host" in faults("extra_hosts: ['h=nowhere']")[0]
    assert "is not a host" in faults("extra_hosts: ['nowhere']")[0]
    assert "takes a map" in faults("extra_hosts: [{a: b}]")[0]


def test_volumes_from_containers():
    """Haven's names containers, Compose's names services."""
    assert service(git("volumesFrom: ['data:ro', 'container:x']"))["volumes_from"] == [
        "container:data:ro",
        "container:x",
    ]
    assert service(git("volumes_from: ['data:ro']"))["volumes_from"] == ["data:ro"]


def test_dependencies():
    """A name alone means started, as Compose prints it."""
    assert service(git("depends_on: [db]"))["depends_on"] == {"db": {"condition": "service_started", "required": True}}
    theirs = compose(depends_on={"db": {"condition": "service_started", "required": True}})
    ours = form(depends_on={"db": {"condition": "service_healthy"}})
    assert service(theirs, ours)["depends_on"] == {"db": {"condition": "service_healthy", "required": True}}
