"""Sources of configuration: what may be asked for, when a remote is looked at next, what a webhook must prove."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from appserver.core.addresses import Outgoing
from appserver.core.entities import Source, SourceKind, SourceState
from appserver.core.git_urls import parse
from appserver.core.refs import BRANCHES, check_branch
from appserver.core.release_refs import REPOSITORY
from appserver.errors import Invalid, Unauthenticated

DEFAULT = "config"
"""The source of every application that names none."""
SHORTEST_S, LONGEST_S = 10.0, 86_400.0
SLOWEST_S = 3600.0
"""The longest pause after failures in a row."""
MAX_SECRET = 16_384
MIN_WEBHOOK_SECRET = 16

README = """\
# Container configuration

What is pushed to `{branch}` is checked, planned and rolled out; your terminal shows it. `git push -o plan` only plans.

A file configures the containers of one image, or of one service. Weakest first:

| file | configures |
|---|---|
| `web.yml` | every container of the image `web` |
| `web@1.2.yml` | those of its tag `1.2` |
| `dev/web.yml`, `dev/web@1.2.yml` | those on the cluster `dev` |
| `dev/shop/web.yml` | the service `web` of the application `shop` on `dev` |
| `dev/shop-web-1.yml` | that one container |

Each may end in `.yml`, `.yaml` or `.properties`, and begin with `include: [other.yml]`. For instance:

    mem_limit: 512M
    environment:
      GREETING: hello

`moorage app explain shop` says where each value of an application comes from.
"""


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What an operator wants a source to be. `None` for a secret leaves the one on record, "" removes it."""

    name: str
    kind: SourceKind = "hosted"
    url: str = ""
    branch: str = "main"
    interval_s: float = 60.0
    username: str = ""
    credential: str | None = field(default=None, repr=False)
    known_hosts: str = ""
    webhook_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook that proved itself. `digest` tells it from every other; `ref` is what moved, empty where unsaid."""

    digest: str
    ref: str


def check(wanted: SourceRequest, rule: Outgoing) -> None:
    """
    Raises:
        Invalid: a field that cannot be, by its name.
    """
    check_branch(wanted.branch)
    if wanted.name == REPOSITORY:
        raise Invalid("name", f"{REPOSITORY} is the repository of releases, which is always there")
    if wanted.kind == "hosted":
        if wanted.url or wanted.credential or wanted.username:
            raise Invalid("url", "a hosted repository has no URL and no credential of its own: people push to it")
        return
    if wanted.kind != "remote":
        raise Invalid("kind", "is hosted or remote")
    url = parse(wanted.url, rule)
    if not SHORTEST_S <= wanted.interval_s <= LONGEST_S:
        raise Invalid("interval_s", f"is {SHORTEST_S:.0f} to {LONGEST_S:.0f} seconds")
    if not re.fullmatch(r"[A-Za-z0-9_.@-]{0,128}", wanted.username) or wanted.username.startswith("-"):
        raise Invalid("username", "is at most 128 of A-Z a-z 0-9 _ . @ -")
    for text, name in ((wanted.credential, "credential"), (wanted.known_hosts, "known_hosts")):
        if text and (len(text) > MAX_SECRET or "\0" in text):
            raise Invalid(name, f"is at most {MAX_SECRET} characters")
    if url.endpoint.scheme == "https" and wanted.credential and not wanted.credential.isprintable():
        raise Invalid("credential", "a token is one line")
    if url.endpoint.scheme == "ssh" and not wanted.known_hosts.strip():
        raise Invalid("known_hosts", "is needed for ssh: the lines of `ssh-keyscan` for the host, once verified")
    if wanted.webhook_secret and not MIN_WEBHOOK_SECRET <= len(wanted.webhook_secret) <= 256:
        raise Invalid("webhook_secret", f"is {MIN_WEBHOOK_SECRET} to 256 characters; leave it out and one is made")


def due(source: Source, state: SourceState, failures: int, jitter: float, now: datetime) -> bool:
    """Whether somebody asked for a look, or a remote's time has come.

    Args:
        failures: in a row; each doubles the pause.
        jitter: -1 to 1, so that many sources do not all wake at once.
    """
    if state.asked > state.answered:
        return True
    if source.kind == "hosted":
        return False
    if state.checked_at is None:
        return True
    pause_s = min(source.interval_s * 2 ** min(failures, 10), max(SLOWEST_S, source.interval_s))
    return now >= state.checked_at + timedelta(seconds=pause_s * (1 + jitter / 10))


def proven(secret: str, signature: str, body: bytes) -> Delivery:
    """What a webhook says, once its signature is right.

    The signature covers the body alone, so the body's digest is what a replay is told by; a header could be
    changed by whoever replays it.

    Args:
        secret: "" where the source has none: nothing is right then, and it takes as long to say so.
        signature: the header X-Hub-Signature-256.
    Raises:
        Unauthenticated: no signature or a wrong one.
        Invalid: rightly signed, but not a JSON object.
    """
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not (hmac.compare_digest(right.encode(), signature.encode()) and secret):
        raise Unauthenticated("X-Hub-Signature-256 is not the HMAC of this body under this source's secret")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("body", "is not JSON") from error
    if not isinstance(told, dict):
        raise Invalid("body", "is not a JSON object")
    ref = told.get("ref", "")
    return Delivery(hashlib.sha256(body).hexdigest(), ref if isinstance(ref, str) else "")


def concerns(delivery: Delivery, source: Source) -> bool:
    """Whether the delivery is about the branch that is rolled out; one that names none is taken as if it were."""
    return delivery.ref in ("", BRANCHES + source.branch)


def place(source: Source) -> str:
    """Where its commits come from."""
    return source.url if source.kind == "remote" else "hosted"


def kept(source: Source, state: SourceState) -> str:
    """The commit that whatever comes next must descend from: the one in force, if people pushed it here; else ""."""
    return state.commit if source.kind == "hosted" and state.place == "hosted" else ""


def advanced(state: SourceState, commit: str, came_from: str, pending: dict[str, str], now: datetime) -> SourceState:
    """A better commit came into force."""
    fine = replace(state, error="", error_commit="", error_at=None)
    return replace(fine, commit=commit, place=came_from, at=now, pending=pending)


def failed(state: SourceState, error: str, commit: str, now: datetime) -> SourceState:
    """A newer commit is bad, or none could be had; the one in force stays. The same error keeps its time."""
    if state.error == error and state.error_commit == commit:
        return state
    return replace(state, error=error, error_commit=commit, error_at=now)
