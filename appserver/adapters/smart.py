"""`ports.Disks` by smartctl, where it is installed: what each disk says of its own health."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from appserver.core.conditions import DiskHealth

log = logging.getLogger(__name__)

_TIMEOUT_S = 30.0
"""For one disk: one that is failing takes its time."""
_MOST_DISKS = 64
_WARNINGS = {
    1: "its spare blocks are nearly used up",
    2: "it is too hot or too cold",
    4: "it is degraded by errors",
    8: "it is read-only",
    16: "its backup of volatile memory has failed",
    32: "its persistent memory has become unreliable",
}
"""Bits of NVMe's critical warning."""


class SmartDisks:
    """`program` is run by its name in PATH; it is not there on most virtual machines, and has nothing to ask there."""

    def __init__(self, program: str = "smartctl") -> None:
        self._program = program

    def health(self) -> tuple[DiskHealth, ...]:
        """See `ports.Disks`. A disk that sleeps is let sleep, and left out."""
        found = []
        for disk in self._ask("--scan").get("devices", ())[:_MOST_DISKS]:
            told = self._ask("-H", "-i", "-n", "standby", "-d", str(disk["type"]), str(disk["name"]))
            if (health := health_of(str(disk["name"]), told)) is not None:
                found.append(health)
        return tuple(found)

    def _ask(self, *argv: str) -> Mapping[str, Any]:
        """Its answer; empty where there is none. Its exit status is told in the answer."""
        try:
            done = subprocess.run(
                (self._program, "--json", *argv), capture_output=True, timeout=_TIMEOUT_S, check=False
            )
            found = json.loads(done.stdout)
        except FileNotFoundError:
            return {}
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            log.info("event=smart_not_asked arguments=%s reason=%s", " ".join(argv), error)
            return {}
        return found if isinstance(found, dict) else {}


def health_of(device: str, told: Mapping[str, Any]) -> DiskHealth | None:
    """From smartctl's JSON; None where the disk has no health to tell, such as one that a hypervisor made."""
    passed = (told.get("smart_status") or {}).get("passed")
    warning = (told.get("nvme_smart_health_information_log") or {}).get("critical_warning", 0)
    if passed is None:
        return None
    faults = [text for bit, text in _WARNINGS.items() if warning & bit]
    if not passed and not faults:
        faults = ["it expects to fail within a day"]
    return DiskHealth(device, _model(told), ", ".join(faults))


def _model(told: Mapping[str, Any]) -> str:
    names: Sequence[str] = ("model_name", "scsi_model_name", "product")
    return next((str(told[name]) for name in names if told.get(name)), "unknown model")
