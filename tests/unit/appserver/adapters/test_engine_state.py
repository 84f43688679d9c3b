"""What the engine says of a container, as the core is told it."""

from typing import Any

import pytest

from appserver.adapters.engine_state import from_inspect

RUNC = "OCI runtime exec failed: exec failed: unable to start container process"


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
        (-1, f"{RUNC}: error starting setns process: fork/exec /proc/self/exe: no such file", False),
        (-1, f'{RUNC}: exec: "curl": executable file not found in $PATH', True),
        (-1, "Health check exceeded timeout (1s)", True),
    ],
)
def test_only_a_container_that_cannot_be_entered_is_without_a_probe(code: int, output: str, ran: bool) -> None:
    """The engine gives all the same number; a missing program and a late answer are the application's own."""
    found = from_inspect(inspected({"ExitCode": 0, "Output": ""}, {"ExitCode": code, "Output": output}))
    assert (found.probe_ran, found.last_probe) == (ran, f"exit code {code}: {output}")


def test_without_a_probe_nothing_failed_to_run() -> None:
    """A container that has no healthcheck, or whose first probe is not through."""
    assert from_inspect(inspected()).probe_ran
