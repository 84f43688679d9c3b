"""What a person gave by form or API."""

import pytest

from image_config import ConfigError, from_overrides, resolve
from tests.unit.image_config.say import AT, git


def test_the_same_words_as_in_a_file():
    """Values of JSON or YAML; the origin is the person and the time."""
    layer = from_overrides({"memoryLimit": "512M", "env": ["A=1"], "ports": {"8080": 80}}, user="alice", at=AT)
    assert {str(entry.source) for entry in layer.entries} == {f"alice {AT}"}
    assert [entry.path for entry in layer.entries] == [("mem_limit",), ("environment", "A"), ("ports", "80/tcp")]


def test_reset_and_override_in_json():
    """A mapping of one key stands for the tag."""
    weak = git("ports: ['1:1']\nenvironment: {A: 1, B: 2}\ndns: [a]")
    strong = from_overrides(
        {"ports": {"!override": ["2:2"]}, "environment": {"A": {"!reset": None}}, "dns": {"!reset": None}},
        user="a",
        at=AT,
    )
    assert resolve([weak, strong]).values["environment"] == {"B": "2"}
    assert "dns" not in resolve([weak, strong]).to_compose()
    assert [p["target"] for p in resolve([weak, strong]).to_compose()["ports"]] == [2]  # type: ignore[attr-defined]


def test_faults_point_into_the_values():
    """There is no file; all are told at once."""
    with pytest.raises(ConfigError) as caught:
        from_overrides({"memroy": 1, "ports": ["80:80", "x"], "include": ["a.yml"], "build": "."}, user="a", at=AT)
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [
        ("", "memroy"),
        ("", "ports/1"),
        ("", "include"),
        ("", "build"),
    ]
