"""Following an operation to its end, over restarts of the app server: its state is in the record, not in a process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from appserver.cli import show
from appserver.cli.client import Client
from appserver.cli.lazy import wants_json
from appserver.cli.problems import ServerFailed, Unreachable, from_response

GIVE_UP_S = 120.0
"""How long a server that does not answer is waited for."""
_AGAIN_S = 0.5
_OVER = frozenset({"done", "failed", "superseded"})

Operation = Mapping[str, Any]


def finish(client: Client, operation: Operation) -> tuple[Operation, int]:
    """Show an operation's progress until it is over; its last state and the exit code it stands for.

    Raises:
        Unreachable: the server was away for too long; the operation goes on without it.
    """
    last = operation
    try:
        if wants_json():
            *_, last = states(client, operation)
        elif show.on_terminal():
            from appserver.cli.progress import live  # only people wait for it

            last = live(states(client, operation))
        else:
            last = _lines(states(client, operation))
    except KeyboardInterrupt:
        show.note(f"\nit goes on without you: moorage app show {operation['application'].replace('.', '/')}")
        raise
    return last, 0 if last["state"] == "done" else 1


def conclude(client: Client, operation: Operation, wait: bool, done: str) -> int:
    """Follow it where that is wanted, print what came of it, and return the exit code.

    Args:
        done: what to tell people when it went well.
    """
    code = 0
    if wait:
        operation, code = finish(client, operation)
    if wants_json():
        show.as_json(operation)
    elif wait:
        report(operation, done)
    else:
        show.say(f"under way: {operation['id']}")
    return code


def states(client: Client, operation: Operation) -> Iterator[Operation]:
    """The operation each time it changes, the present state first, the final one last."""
    yield operation
    if operation["state"] in _OVER:
        return
    after, heard = "", time.monotonic()
    while True:
        try:
            for event in client.events("operations", operation["id"], "events", after=after):
                heard = time.monotonic()
                if event is None:
                    continue
                found = json.loads(event.data)
                if event.name == "error":
                    raise from_response(found["status"], "json", event.data.encode())
                after = event.id
                yield found
                if found["state"] in _OVER:
                    return
            found = client.get("operations", operation["id"])
            if found["state"] in _OVER:
                yield found
                return
        except (Unreachable, ServerFailed):
            if time.monotonic() - heard > GIVE_UP_S:
                raise
        time.sleep(_AGAIN_S)  # the server stops or starts: the stream is taken up where it broke off


def changes(before: Operation | None, now: Operation) -> Iterator[str]:
    """What is new in a state, line by line. While nobody has begun, what is seen is of the time before."""
    step = now["step"]
    if now["state"] == "pending":
        if before is None or before["step"] != step:
            yield step
        return
    known: Mapping[str, str] = {}
    if before and before["state"] != "pending":
        known = {service["name"]: _service(service) for service in before["services"]}
    for service in now["services"]:
        if known.get(service["name"]) != (line := _service(service)):
            yield line
    if step and now["state"] not in _OVER and (before is None or step != before["step"]):
        yield step


def report(operation: Operation, done: str) -> None:
    """How it ended, for people; of a failure, all there was to see."""
    app, revision, state = operation["application"], operation["revision"], operation["state"]
    if state == "done":
        show.say(f"done: {done}", "green")
    elif state == "superseded":
        show.say(f"superseded: a newer change of {app} took over from revision {revision}", "yellow", err=True)
    else:
        show.say(f"failed: revision {revision} of {app} was given up", "red", err=True)
        causes(operation["causes"])


def causes(found: Sequence[Mapping[str, Any]]) -> None:
    """Why services failed: the sentence, the exit code, the last probe, the last lines of the log."""
    for cause in found:
        code = cause.get("exit_code")
        ended = f" (exit code {code})" if code is not None else ""
        show.note(": ".join(filter(None, (cause["service"], cause["why"] + ended))))
        if cause["last_probe"]:
            show.note(f"  last probe: {cause['last_probe'].strip()}")
        for line in cause["logs"]:
            show.note(f"  | {line}")


def _lines(found: Iterator[Operation]) -> Operation:
    before: Operation | None = None
    now: Operation = {}
    for now in found:
        for line in changes(before, now):
            show.say(line)
        before = now
    return now


def _service(service: Mapping[str, Any]) -> str:
    health = "" if service["health"] in ("none", "") else f", {service['health']}"
    return f"{service['name']}: {service['state']}{health}"
