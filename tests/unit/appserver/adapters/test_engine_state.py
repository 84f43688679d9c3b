"""What the engine says of a container, as the core is told it."""

from typing import Any

import pytest

from appserver.adapters.engine_state import from_inspect


def inspected(*probes: dict[str, Any]) -> dict[str, Any]:
    health = {"Status": "unhealthy", "Log": list(probes)}
    return {
        "Id": "c1",
        "Name": "/shop-web-1",
        "Image": "sha256:1",
        "Config": {"Image": "img"},
        "HostConfig": {},
        "State": {"Status": "running", "ExitCode": 0, "Health": health},
    }


@pytest.mark.parametrize(
    ("code", "output", "ran"),
    [
        (1, "no answer", True),
        (-1, "fork/exec /proc/self/exe: no such file or directory", False),
        (-1, "Health check exceeded timeout (1s)", True),
    ],
)
def test_a_probe_that_took_too_long_was_run(code: int, output: str, ran: bool) -> None:
    """The engine gives both the same number: only the one that could not begin says nothing."""
    found = from_inspect(inspected({"ExitCode": 0, "Output": ""}, {"ExitCode": code, "Output": output}))
    assert (found.probe_ran, found.last_probe) == (ran, f"exit code {code}: {output}")


def test_without_a_probe_nothing_failed_to_run() -> None:
    """A container that has no healthcheck, or whose first probe is not through."""
    assert from_inspect(inspected()).probe_ran
