"""The doors a compose project comes in by, each as somebody uses it, and what all of them promise of a bad one."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from appserver.cli.main import main
from appserver.core.access import Role
from appserver.ports import KV
from tests.fakes import PASSWORD
from tests.lab.served import Site

LONGEST_S = 15.0
"""A refusal may take this long at most: the limit of rendering, and some."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A project that is to be refused. `overrides` are options by service."""

    compose: str
    files: Mapping[str, str] = field(default_factory=dict)
    env: str = ""
    overrides: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    name: str = "shop"

    @property
    def all_files(self) -> dict[str, str]:
        return {"compose.yaml": self.compose, **self.files}


@dataclass(frozen=True, slots=True)
class Said:
    """What a door answered: HTTP status or exit code, and the text a person reads."""

    status: int
    text: str


class Doors:
    """One person at every door of a site."""

    def __init__(self, site: Site, folder: Path, role: Role) -> None:
        self._site = site
        self._folder = folder
        self.user = {"admin": "ann", "operator": "olga", "viewer": "vic"}[role]
        self.token = site.token(self.user, role)
        self._browser: tuple[requests.Session, str] | None = None
        self.ways: Mapping[str, Callable[[Bad], Said]] = {
            "plan": self.plan,
            "deploy": self.deploy,
            "page": self.page,
            "command line": self.command_line,
        }

    def refused(self, bad: Bad, *words: str, by: Iterable[str] = ()) -> str:
        """Every door, or those of `by`, says no with a reason, soon, and the record is as it was.

        Gives back all that was said; `words` are in it.
        """
        before = record(self._site.services.kv)
        told = ""
        for name in by or self.ways:
            begun = time.monotonic()
            said = self.ways[name](bad)
            took = time.monotonic() - begun
            assert is_refusal(said), f"{name}: {said.status}: {said.text[:500]}"
            assert took < LONGEST_S, f"{name} took {took:.1f} s"
            told += f"{name}: {said.text}\n"
        assert record(self._site.services.kv) == before
        assert [word for word in words if word not in told] == [], told[:3000]
        return told

    def audited(self) -> list[str]:
        """How this person's last writes ended, newest first."""
        items = self._site.api("GET", f"/audit?user={self.user}", self._site.token("root2", "admin")).json()["items"]
        return [entry["result"] for entry in items if entry["action"] in ("deploy", "POST /api/v1/applications")]

    def plan(self, bad: Bad) -> Said:
        return self._asked("/applications/plan", bad)

    def deploy(self, bad: Bad) -> Said:
        return self._asked("/applications", bad)

    def page(self, bad: Bad) -> Said:
        """The form's own button; the faults stand in the page."""
        browser, csrf = self._logged_in()
        rows = [(service, option, value) for service, given in bad.overrides.items() for option, value in given.items()]
        fields: dict[str, object] = {
            "csrf_token": csrf,
            "name": bad.name,
            "cluster": "default",
            "path": list(bad.all_files),
            **{f"text:{path}": text for path, text in bad.all_files.items()},
            "compose_files": "compose.yaml",
            "env": bad.env,
            "override_service": [row[0] for row in rows],
            "override_option": [row[1] for row in rows],
            "override_value": [_as_yaml(row[2]) for row in rows],
        }
        answer = browser.post(f"{self._site.url}/applications/plan", data=fields, timeout=30)
        return Said(answer.status_code, answer.text)

    def post(self, path: str, fields: dict[str, str]) -> Said:
        """Any other form of the pages."""
        browser, csrf = self._logged_in()
        answer = browser.post(f"{self._site.url}{path}", data={"csrf_token": csrf, **fields}, timeout=30)
        return Said(answer.status_code, answer.text)

    def command_line(self, bad: Bad) -> Said:
        """`moorage app deploy` in the project's directory."""
        self._write(bad)
        words = [f"--set={s}.{o}={_as_yaml(v)}" for s, given in bad.overrides.items() for o, v in given.items()]
        return self.run("app", "deploy", bad.name, "-f", str(self._folder / "compose.yaml"), "--yes", *words)

    def run(self, *words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("MOORAGE_SERVER", self._site.url)
            patch.setenv("MOORAGE_TOKEN", self.token)
            patch.setattr("sys.stdin", io.StringIO())
            code = main(list(words))
        return Said(code, err.getvalue() + out.getvalue())

    def _asked(self, path: str, bad: Bad) -> Said:
        body = {"name": bad.name, "files": bad.all_files, "env": bad.env, "overrides": bad.overrides}
        answer = self._site.api("POST", path, self.token, json=body)
        return Said(answer.status_code, answer.text)

    def _write(self, bad: Bad) -> None:
        for path, text in {**bad.all_files, ".env": bad.env}.items():
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogatepass"))

    def _logged_in(self) -> tuple[requests.Session, str]:
        """A browser of this person, and the token of its forms."""
        if self._browser is None:
            browser = requests.Session()
            browser.trust_env = False
            csrf = _csrf(browser.get(f"{self._site.url}/login", timeout=10).text)
            told = {"csrf_token": csrf, "name": self.user, "password": PASSWORD}
            browser.post(f"{self._site.url}/login", data=told, timeout=10)
            self._browser = browser, _csrf(browser.get(f"{self._site.url}/applications/new", timeout=10).text)
        return self._browser


def is_refusal(said: Said) -> bool:
    """4xx or exit code 2, with something to read, and no traceback."""
    return (said.status == 2 or 400 <= said.status < 500) and bool(said.text.strip()) and "Traceback" not in said.text


def record(kv: KV) -> dict[str, str]:
    """Everything but the audit, what says who is there, and whose turn it is at this moment."""
    aside = ("audit/", "tokens/", "sessions/", "users/", "leader/")
    return {k: item.value for k, item in kv.snapshot("").items.items() if not k.startswith(aside)}


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def _as_yaml(value: object) -> str:
    """Flow style, which is JSON's."""
    return json.dumps(value) if not isinstance(value, str) else value
