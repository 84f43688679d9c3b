"""What disks say of themselves: smartctl's answers, and a host that has neither it nor disks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from appserver.adapters.smart import SmartDisks, health_of
from appserver.core.conditions import DiskHealth


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"model_name": "X", "smart_status": {"passed": True}}, ""),
        ({"model_name": "X", "smart_status": {"passed": False}}, "it expects to fail within a day"),
        (
            {
                "model_name": "X",
                "smart_status": {"passed": False},
                "nvme_smart_health_information_log": {"critical_warning": 9},
            },
            "its spare blocks are nearly used up, it is read-only",
        ),
    ],
)
def test_a_disk_is_as_well_as_it_says(told: dict[str, object], fault: str) -> None:
    """With what an NVMe disk warns of."""
    assert health_of("/dev/sda", told) == DiskHealth("/dev/sda", "X", fault)


@pytest.mark.parametrize("told", [{}, {"model_name": "QEMU"}, {"smart_status": None}, {"smart_status": {}}])
def test_a_disk_without_a_word_is_none(told: dict[str, object]) -> None:
    """A hypervisor's, one behind a controller, one that sleeps."""
    assert health_of("/dev/vda", told) is None


def test_without_the_program_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """Nor where it says what is no JSON, or hangs on to nothing."""
    assert SmartDisks(str(tmp_path / "none")).health() == ()
    assert SmartDisks(_program(tmp_path, "print('smartctl 7.3')")).health() == ()


def test_every_disk_is_asked_by_its_kind(tmp_path: Path) -> None:
    """As the scan found it; the exit status, which is no error of ours, says what the answer says."""
    answers = {
        "--scan": {"devices": [{"name": "/dev/sda", "type": "sat"}, {"name": "/dev/nvme0", "type": "nvme"}]},
        "/dev/sda": {"model_name": "A", "smart_status": {"passed": False}},
        "/dev/nvme0": {"model_name": "B", "smart_status": {"passed": True}},
    }
    script = f"""
import json, sys
assert sys.argv[1] == "--json"
print(json.dumps(json.loads({json.dumps(answers)!r})[sys.argv[-1]]))
sys.exit(8)
"""
    found = SmartDisks(_program(tmp_path, script)).health()
    assert found == (DiskHealth("/dev/sda", "A", "it expects to fail within a day"), DiskHealth("/dev/nvme0", "B", ""))


def _program(folder: Path, script: str) -> str:
    path = folder / "smartctl"
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    return str(path)
