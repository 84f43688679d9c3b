"""The result: values, explanation, service."""

import json

from image_config import resolve
from tests.unit.image_config.say import compose, form, git


def row(resolved, option, key=""):
    (found,) = [each for each in resolved.explain() if (each.option, each.key) == (option, key)]
    return found


def test_values_are_canonical():
    """Bytes, cores, words; what Compose prints as text stays a number."""
    resolved = resolve([git("memory: 1g\ncpus: '0.5'\ncommand: a b\nmemorySwap: -1\nshm_size: 1k")])
    assert resolved.values == {
        "mem_limit": 1 << 30,
        "cpus": 0.5,
        "command": ("a", "b"),
        "memswap_limit": -1,
        "shm_size": 1024,
    }
    assert resolved.to_compose()["mem_limit"] == "1073741824"


def test_a_value_in_words():
    """As the plan says it."""
    text = "memory: 512M\nports: ['127.0.0.1:8080:80']\nvolumes: ['d:/d:ro']\n"
    text += "secrets: [{source: s, target: t}]\nrestart: no"
    resolved = resolve([git(text)])
    assert row(resolved, "mem_limit").text == "512M"
    assert row(resolved, "ports", "80/tcp").text == "127.0.0.1:8080:80/tcp"
    assert row(resolved, "volumes", "/d").text == "d:/d:ro"
    assert row(resolved, "secrets", "/run/secrets/t").text == "s at t"
    assert row(resolved, "restart").text == "no"


def test_a_row_in_json():
    """Plain JSON; `text` only where the kind of value has a form of its own, never for what may be a secret."""
    resolved = resolve(
        [git("memory: 1g\nenvironment: {PASSWORD: x}"), form(memory="2g", environment={"PASSWORD": "y"})]
    )
    assert json.loads(json.dumps([each.to_json() for each in resolved.explain()])) == [
        {
            "option": "environment",
            "key": "PASSWORD",
            "value": "y",
            "source": "alice 2026-11-21T10:00:00Z",
            "hides": [{"value": "x", "source": "3f2c1a:web.yml:2"}],
        },
        {
            "option": "mem_limit",
            "key": "",
            "value": 2147483648,
            "text": "2G",
            "source": "alice 2026-11-21T10:00:00Z",
            "hides": [{"value": 1073741824, "text": "1G", "source": "3f2c1a:web.yml:1"}],
        },
    ]


def test_a_removed_row_in_json():
    """Marked, so that nobody takes it for a value."""
    resolved = resolve([git("cpus: 1"), form(cpus={"!reset": None})])
    assert resolved.explain()[0].to_json() == {
        "option": "cpus",
        "key": "",
        "value": None,
        "source": "alice 2026-11-21T10:00:00Z",
        "hides": [{"value": 1, "source": "3f2c1a:web.yml:1"}],
        "removed": True,
    }


def test_the_service_is_plain_json_and_ones_own():
    """Changing it changes nobody else's."""
    resolved = resolve([compose(labels={"a": "b"}, **{"x-a": {"b": [1]}})])
    first = resolved.to_compose()
    first["x-a"]["b"].append(2)  # type: ignore[index]
    assert resolved.to_compose() == {"labels": {"a": "b"}, "x-a": {"b": [1]}}


def test_rows_are_in_the_order_of_options():
    """And within one, of the result."""
    resolved = resolve([git("dns: [b, a]\ncpus: 1\nattach: true")])
    assert [(each.option, each.key) for each in resolved.explain()] == [
        ("attach", ""),
        ("cpus", ""),
        ("dns", "b"),
        ("dns", "a"),
    ]
