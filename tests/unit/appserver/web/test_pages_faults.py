"""Errors at the line of the form where they are mended."""

from __future__ import annotations

import pytest

from appserver.errors import Conflict, Invalid, InvalidMany, NoPlacement
from appserver.web.pages_drafts import Draft
from appserver.web.pages_faults import by_field, faults

COMPOSE = """\
services:
  web:
    image: web
    ports:
      - "80:80"
      - "x"
  db:
    image: db
networks:
  back:
    external: true
"""
DRAFT = Draft("shop", files={"compose.yaml": COMPOSE, "db/init.sql": "x"})


@pytest.mark.parametrize(
    ("where", "why", "field", "line"),
    [
        ("compose.yaml:4", "is not YAML", "text:compose.yaml", 4),
        ("compose.yaml", "yaml: line 7: did not find", "text:compose.yaml", 7),
        ("services.web.ports/1", "is no port", "text:compose.yaml", 6),
        ("web.ports.0", "is below 1024", "text:compose.yaml", 5),
        ("web", "names no image", "text:compose.yaml", 2),
        ("web.cap_add", "reaches beyond the container", "text:compose.yaml", 2),
        ("networks.back.external", "belongs to somebody else", "text:compose.yaml", 11),
        (".env:2", "is no assignment", "env", 2),
        ("name", "is too long", "name", 0),
        ("cluster", "there is no such cluster", "cluster", 0),
        ("overrides.web.mem_limit", "is no size", "overrides", 0),
        ("dev/web.yml:4", "is of the git repository", "", 0),
        ("", "Compose refused it", "", 0),
    ],
)
def test_a_fault_is_shown_where_it_is_mended(where, why, field, line):
    """Whoever found the fault, the reader is taken to its line."""
    (found,) = faults(Invalid(where, why), DRAFT)
    assert (found.field, found.line, found.why) == (field, line, why)


def test_a_file_that_is_not_yaml_has_no_lines_to_point_at():
    """The fault itself says the line; the others do without."""
    (found,) = faults(Invalid("web.ports/0", "why"), Draft("shop", files={"compose.yaml": "a: [1"}))
    assert (found.field, found.line) == ("", 0)


def test_all_faults_are_shown_at_once():
    """A form is mended in one pass."""
    found = faults(InvalidMany((("name", "too long"), ("web", "names no image"))), DRAFT)
    assert [fault.line for fault in found] == [0, 2]
    assert by_field(found) == {"name": "too long"}


def test_each_node_says_why_it_refused():
    """No placement is a list of reasons, not one word."""
    found = faults(NoPlacement({"n1": "needs 1 GiB, 0 free", "n2": "its agent is away"}), DRAFT)
    assert [(fault.place, fault.why) for fault in found] == [("n1", "needs 1 GiB, 0 free"), ("n2", "its agent is away")]


def test_any_other_refusal_is_said_as_it_is():
    """A conflict has no place in the form."""
    assert faults(Conflict("changed meanwhile"), DRAFT)[0].why == "changed meanwhile"
