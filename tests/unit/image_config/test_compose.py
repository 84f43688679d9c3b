"""A service as Compose rendered it, and where its values stand."""

import pytest

from image_config import ConfigError, compose_lines, from_compose, resolve
from image_config.compose import escaped, unescaped

TEXT = """\
services:
  web:
    image: nginx
    environment:
      A: 1
      B: ${B:-two}
    ports:
      - "${PORT}:80"
    deploy:
      resources:
        limits:
          memory: 1g
  db:
    image: db
    environment:
      - X=1
      - Y=2
    volumes:
      - data:/var/lib
"""


def test_where_each_option_stands():
    """By option, and below it by name where the text can be read without Compose."""
    lines = compose_lines(TEXT, "compose.yaml")
    assert {key: at for key, at in lines.items() if key[0] == "web"} == {
        ("web", "image"): "compose.yaml:3",
        ("web", "environment"): "compose.yaml:4",
        ("web", "environment/A"): "compose.yaml:5",
        ("web", "environment/B"): "compose.yaml:6",
        ("web", "ports"): "compose.yaml:7",
        ("web", "deploy"): "compose.yaml:9",
        ("web", "mem_limit"): "compose.yaml:12",
    }
    assert lines["db", "environment/Y"] == "compose.yaml:17"
    assert lines["db", "volumes//var/lib"] == "compose.yaml:19"


@pytest.mark.parametrize("text", ["", "a: [", "services: 5", "services: {web: 5}", "- a", "\0", "a: &a [*a]"])
def test_a_text_that_cannot_be_read_has_no_lines(text):
    """Best effort: Compose has the last word on it anyway."""
    assert compose_lines(text, "c.yaml") == {}


def test_an_alias_bomb_has_no_lines():
    """And costs nothing."""
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert compose_lines(bomb + "services: {web: {image: x, command: *a11}}", "c.yaml") == {}


def test_merge_keys_stand_where_they_are_written():
    """What comes by `<<` stands at its anchor."""
    text = "x-base: &base\n  restart: always\nservices:\n  web:\n    <<: *base\n    image: x\n"
    lines = compose_lines(text, "c.yaml")
    assert (lines["web", "restart"], lines["web", "image"]) == ("c.yaml:2", "c.yaml:6")


def test_values_get_their_line():
    """The closest place known: of the value, of what holds it, of the file."""
    lines = compose_lines(TEXT, "compose.yaml")
    where = {option: at for (service, option), at in lines.items() if service == "web"}
    rendered = {
        "image": "nginx",
        "environment": {"A": "1", "FROM_ENV_FILE": "x"},
        "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
        "deploy": {"resources": {"limits": {"memory": "1073741824"}}},
        "restart": "always",
    }
    origins = {
        "/".join(e.path): str(e.source) for e in from_compose(rendered, where=where, file="compose.yaml").entries
    }
    assert origins == {
        "image": "compose.yaml:3",
        "environment/A": "compose.yaml:5",
        "environment/FROM_ENV_FILE": "compose.yaml:4",
        "ports/80/tcp": "compose.yaml:7",
        "mem_limit": "compose.yaml:12",
        "restart": "compose.yaml",
    }


def test_dollars():
    """Compose doubles them in what it prints and halves them in what it reads; names it only doubles."""
    layer = from_compose({"command": ["$$x", "$$$$"], "labels": {"a$$b": "c$$d"}})
    resolved = resolve([layer])
    assert resolved.values == {"command": ("$x", "$$"), "labels": {"a$b": "c$d"}}
    assert resolved.to_compose() == {"command": ["$$x", "$$$$"], "labels": {"a$b": "c$$d"}}
    assert unescaped(escaped({"a": ["$", {"b": "$$"}], "n": 1})) == {"a": ["$", {"b": "$$"}], "n": 1}


def test_an_option_of_a_newer_compose_is_refused():
    """Policy could not judge what this version does not know; the place is named."""
    with pytest.raises(ConfigError) as caught:
        from_compose({"new_thing": 1}, where={"new_thing": "c.yaml:7"})
    assert str(caught.value) == "c.yaml:7: new_thing: is an option of Compose that this version does not know"


def test_a_fault_below_an_option_is_placed():
    """By the closest line known."""
    with pytest.raises(ConfigError) as caught:
        from_compose({"ports": [{"target": "x"}]}, where={"ports": "c.yaml:7"})
    assert str(caught.value).startswith("c.yaml:7: ports/0")


def test_ours_is_not_composes():
    """Haven's names mean nothing in a rendered service; neither do our tags."""
    with pytest.raises(ConfigError):
        from_compose({"memory": "1g"})
    assert resolve([from_compose({"labels": {"!reset": "x"}})]).values == {"labels": {"!reset": "x"}}
