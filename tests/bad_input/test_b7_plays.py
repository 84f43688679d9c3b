"""B7 and its neighbours by way of a playbook: nobody gets a host, a file or a program that the playbook does not give.

What is refused is refused at every door with a reason; nothing is queued, nothing is run, and the audit says who tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.doors import Doors, is_refusal, record
from tests.lab.served import Site

BAD: dict[str, dict[str, Any]] = {
    "a path": {"playbook": "../../site.yml"},
    "an absolute path": {"playbook": "/etc/passwd"},
    "an option": {"playbook": "--help"},
    "a file that is no playbook": {"playbook": "vars.yml"},
    "a playbook that cannot be read": {"playbook": "broken.yml"},
    "a limit that is a file": {"limit": ["@/etc/passwd"]},
    "a limit that is an option": {"limit": ["--become"]},
    "a limit that is a pattern": {"limit": ["~web.*"]},
    "a limit that is two": {"limit": ["web1:web2"]},
    "a limit with a bell": {"limit": ["web1\a"]},
    "a tag that is an option": {"tags": ["-e@/etc/passwd"]},
    "a tag that is two": {"tags": ["a;b"]},
    "another user": {"extra_vars": {"ansible_user": "root"}},
    "another interpreter": {"extra_vars": {"ansible_python_interpreter": "/tmp/x"}},
    "another connection": {"extra_vars": {"ansible_connection": "local"}},
    "options of ssh": {"extra_vars": {"ansible_ssh_common_args": "-oProxyCommand=id"}},
    "a template": {"extra_vars": {"who": "{{ lookup('pipe', 'id') }}"}},
    "a template below": {"extra_vars": {"who": [{"x": "{% for a in b %}"}]}},
    "what Ansible keeps": {"extra_vars": {"hostvars": {}}},
    "a name that is none": {"extra_vars": {"a b": 1}},
    "too much": {"extra_vars": {"who": "x" * 70_000}},
    "too deep": {"extra_vars": {"who": json.loads("[" * 20 + "]" * 20)}},
    "a secret that is not there": {"secrets": ["nothing"]},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("door", ["api", "page", "command line"])
def test_it_is_refused_at_every_door(site: Site, tmp_path: Path, door: str, bad: dict[str, Any]):
    """4xx or exit code 2, one reason, the record as it was, an entry in the audit."""
    doors = Doors(site, tmp_path, "admin")
    ways: Mapping[str, Callable[[dict[str, Any]], Any]] = {
        "api": lambda wanted: site.api("POST", "/plays", doors.token, json=wanted),
        "page": lambda wanted: doors.post("/plays/new", _fields(wanted)),
        "command line": lambda wanted: doors.run(*_words(wanted, tmp_path)),
    }
    wanted = {"playbook": "hello.yml", **bad}
    doors.post("/theme", {})  # logs in, which is on record too
    before = record(site.services.kv)
    said = ways[door](wanted)
    status, text = (said.status_code, said.text) if door == "api" else (said.status, said.text)
    assert 400 <= status < 500 or status == 2, (status, text[:500])
    assert text.strip()
    assert "Traceback" not in text
    assert record(site.services.kv) == before
    entries = site.services.audit.list(site.services.access.by_token(doors.token), user="ann").items
    tried = [entry for _, entry in entries if entry.action in ("run", "POST /api/v1/plays", "POST /plays/new")]
    assert door == "command line" or {entry.result for entry in tried} == {"refused"}


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_only_administrators_run_playbooks(site: Site, tmp_path: Path, role: Any):
    """By whatever door, also what would be fine otherwise."""
    doors = Doors(site, tmp_path, role)
    doors.post("/theme", {})
    before = record(site.services.kv)
    assert site.api("POST", "/plays", doors.token, json={"playbook": "hello.yml"}).status_code == 403
    assert doors.post("/plays/new", {"playbook": "hello.yml"}).status == 403
    assert is_refusal(doors.run("boot", "play", "run", "hello.yml"))
    assert record(site.services.kv) == before


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in ("ab", "bc", "cd", "de", "ef")),
        "who: !!python/object/apply:os.system [id]\n",
        "who: 1\nwho: 2\n",
        "[" * 5000,
        "- a\n- b\n",
        "just a text",
        "who: \x00",
    ],
    ids=["bomb", "object", "twice", "deep", "list", "text", "nul"],
)
def test_variables_of_the_form_are_plain_yaml(site: Site, tmp_path: Path, text: str):
    """As everywhere: bounded, nothing constructed, no key twice."""
    doors = Doors(site, tmp_path, "admin")
    said = doors.post("/plays/new", {"playbook": "hello.yml", "extra_vars": text})
    assert 400 <= said.status < 500, said.text[:500]
    assert site.services.kv.snapshot("plays/").items == {}
    ((_, entry), *_) = site.services.audit.list(site.services.access.by_token(doors.token), user="ann").items
    assert (entry.action, entry.result) == ("run", "refused")


def test_what_a_host_says_is_text(site: Site, tmp_path: Path):
    """A name of a host, a task or a variable with markup in it is shown as it is."""
    token = Doors(site, tmp_path, "admin").token
    script = "<script>document.title='owned'</script>"
    answer = site.api("POST", "/plays", token, json={"playbook": "hello.yml", "reason": script})
    assert answer.status_code == 202
    doors = Doors(site, tmp_path, "admin")
    doors.post("/theme", {})
    browser, _ = doors._logged_in()
    assert script not in browser.get(f"{site.url}/plays/1", timeout=10).text
    assert script not in browser.get(f"{site.url}/plays", timeout=10).text


def _fields(wanted: dict[str, Any]) -> dict[str, str]:
    """The form as a person fills it in; what JSON cannot say in it stays out."""
    return {
        "playbook": wanted["playbook"],
        "limit_to": " ".join(wanted.get("limit", ())),
        "tag": " ".join(wanted.get("tags", ())),
        "extra_vars": json.dumps(wanted["extra_vars"]) if "extra_vars" in wanted else "",
        "secrets": " ".join(wanted.get("secrets", ())),
    }


def _words(wanted: dict[str, Any], folder: Path) -> list[str]:
    words = ["boot", "play", "run", *(f"--limit={one}" for one in wanted.get("limit", ()))]
    words += [f"--tags={one}" for one in wanted.get("tags", ())]
    if "extra_vars" in wanted:
        (folder / "vars.yml").write_text(json.dumps(wanted["extra_vars"]))
        words += ["-e", f"@{folder / 'vars.yml'}"]
    words += [f"--secret-file={name}={folder / 'none'}" for name in wanted.get("secrets", ())]
    return [*words, "--", wanted["playbook"]]
