"""What a file is as a playbook, and what may be asked of it."""

from __future__ import annotations

import pytest

from appserver.core.playbooks import Inventory, Part, Playbook, check_choice, described, inventory_of, listed_hosts
from appserver.errors import Invalid, InvalidMany

SITE = Inventory({"web1": ("all", "web"), "web2": ("all", "web")}, {"all": ("web1", "web2"), "web": ("web1", "web2")})
TEXT = b"""---
# From bare to recorded.
#   In two lines.

- name: Facts
  hosts: all
  tags: [always]
- hosts: [web, "!web2"]
  tags: web, engine
  vars_prompt:
    - {name: colour}
    - {name: size, default: 3}
  vars: {secret: !vault "x"}
- import_playbook: other.yml
"""


def test_a_playbook_is_told_by_its_comment_and_its_plays():
    """Title, plays with their hosts and tags, and what it would ask at a terminal; Ansible's own tags do not matter."""
    found = described("site.yml", TEXT)
    assert found is not None
    assert (found.title, found.about) == ("From bare to recorded.", "From bare to recorded.\n  In two lines.")
    assert found.parts == (
        Part("Facts", "all", ("always",)),
        Part("", "web,!web2", ("web", "engine")),
        Part("other.yml", "", ()),
    )
    assert found.tags == ("always", "web", "engine")
    assert found.asks == ("colour",)
    assert not found.error


@pytest.mark.parametrize("raw", [b"colour: blue\n", b"- a\n- b\n", b"- {name: no hosts}\n", b"", b"[]"])
def test_a_file_of_something_else_is_no_playbook(raw: bytes):
    """Variables and task lists lie beside playbooks, and are not offered."""
    assert described("vars.yml", raw) is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"- name: x\n  hosts: [all\n", "is not YAML: line"),
        (b"\xff\xfe- hosts", "is not YAML"),
        (b"[" * 5000, "is not YAML"),
        (b"- hosts: all\n" + b"#" * (1 << 20), "is larger than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(raw: bytes, why: str):
    """It is on the list, so that somebody mends it; nothing can be asked of it."""
    found = described("site.yml", raw)
    assert found is not None
    assert found.error.startswith(why)
    with pytest.raises(Invalid, match=r"site\.yml is"):
        check_choice(found, SITE, (), (), {})


@pytest.mark.parametrize("limit", [(), ("web1",), ("web", "!web2"), ("all", "&web"), ("web1", "web2")])
def test_hosts_and_groups_of_the_inventory_limit_a_play(limit: tuple[str, ...]):
    """Alone, several, and with Ansible's marks for leaving out and keeping to."""
    check_choice(Playbook("a.yml", ""), SITE, limit, ("engine", "tag_1"), {})


@pytest.mark.parametrize(
    ("limit", "where"),
    [
        (("web3",), "limit/0"),
        (("web1", "web*"), "limit/1"),
        (("~web.*",), "limit/0"),
        (("@/etc/passwd",), "limit/0"),
        (("web1,web2",), "limit/0"),
        (("web1:web2",), "limit/0"),
        (("",), "limit/0"),
        (("!!web1",), "limit/0"),
        (("--help",), "limit/0"),
        (("web[0]",), "limit/0"),
        (("!web1",), "limit"),
        (("web1",) * 101, "limit"),
    ],
)
def test_what_is_no_name_of_the_inventory_limits_nothing(limit: tuple[str, ...], where: str):
    """No pattern, no file, no option: a name that is there, or a fault at its place."""
    with pytest.raises(InvalidMany) as error:
        check_choice(Playbook("a.yml", ""), SITE, limit, (), {})
    assert error.value.where == where


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a,b", "a\nb", "x" * 65, "{{ x }}", "é"])
def test_what_is_no_tag_is_refused(tag: str):
    """It never reaches Ansible's arguments."""
    with pytest.raises(InvalidMany, match="tag"):
        check_choice(Playbook("a.yml", ""), SITE, (), (tag,), {})


def test_what_it_would_prompt_for_has_to_be_given():
    """Nobody sits at its terminal."""
    asking = Playbook("a.yml", "", asks=("colour", "size"))
    with pytest.raises(InvalidMany, match="would prompt for size"):
        check_choice(asking, SITE, (), (), {"colour": "blue"})
    check_choice(asking, SITE, (), (), {"colour": "blue", "size": 1})


def test_the_inventory_is_read_as_ansible_lists_it():
    """Groups of groups, hosts without variables, groups without hosts."""
    listed = {
        "_meta": {"hostvars": {"web1": {}}},
        "all": {"children": ["ungrouped", "web", "empty"]},
        "web": {"hosts": ["web1"], "children": ["far", "web"]},
        "far": {"hosts": ["far1"]},
        "empty": {},
    }
    found = inventory_of(listed)
    assert found.hosts == {"far1": ("all", "far", "web"), "web1": ("all", "web")}
    assert found.groups["web"] == ("far1", "web1")
    assert found.groups["empty"] == ()


@pytest.mark.parametrize("name", ["a/b", "-x", "a b", "../x", "a\nb", ""])
def test_a_host_by_no_name_makes_no_inventory(name: str):
    """Its lock would be another's key, and its limit a pattern."""
    with pytest.raises(Invalid, match="is no name of a host"):
        inventory_of({"_meta": {"hostvars": {name: {}}}})


def test_hosts_are_read_from_the_list_of_all_plays():
    """Each once; a host that looks like a heading is one by its place."""
    text = (
        "\nplaybook: site.yml\n\n  play #1 (all): Facts\tTAGS: [always]\n    pattern: ['all']\n    hosts (2):\n"
        "      web2\n      web1\n\n  play #2 (none): None\tTAGS: []\n    pattern: ['none']\n    hosts (0):\n"
        "\n  play #3 (far): Far\tTAGS: []\n    pattern: ['far']\n    hosts (1):\n      web1\n"
    )
    assert listed_hosts(text) == ("web1", "web2")
    assert listed_hosts("") == ()
