"""One run of Ansible in a process of its own: `python -m appserver.adapters.playbooks_process ROOM`.

The only importer of ansible_runner. What Ansible says goes to standard output, one JSON object a line, as
`playbooks.py` reads it. The room holds `job.json` and `extravars`; nothing of either is ever in an argument list.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import ansible_runner

_KINDS: Mapping[str, str] = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
    "playbook_on_task_start": "task",
    "playbook_on_handler_task_start": "task",
    "playbook_on_stats": "stats",
}
_STATS: Mapping[str, str] = {
    "ok": "ok",
    "changed": "changed",
    "failures": "failed",
    "dark": "unreachable",
    "skipped": "skipped",
    "rescued": "rescued",
    "ignored": "ignored",
}


def main(room: Path, out: TextIO) -> int:
    job: dict[str, Any] = json.loads((room / "job.json").read_text())

    def say(said: Mapping[str, object]) -> None:
        out.write(json.dumps(said) + "\n")
        out.flush()

    def heard(event: dict[str, Any]) -> bool:
        """False: ansible_runner is to keep no file of it."""
        say(news(event))
        return False

    run = ansible_runner.run(
        private_data_dir=str(room),
        event_handler=heard,
        quiet=True,
        settings={"suppress_output_file": True, "pexpect_timeout": 1, "job_timeout": job["limit_s"]},
        fact_cache_type="",
        envvars=job["env"],
        **job["run"],
    )
    say({"kind": "end", "rc": run.rc})
    return 0


def news(event: Mapping[str, Any]) -> dict[str, object]:
    """One event of ansible_runner as one line of ours; its result, which may be large, stays behind."""
    data = event.get("event_data") or {}
    result: Mapping[str, Any] = data["res"] if isinstance(data.get("res"), Mapping) else {}
    kind = _KINDS.get(str(event.get("event")), "")
    if kind == "failed" and data.get("ignore_errors"):
        kind = "ignored"
    said: dict[str, object] = {"kind": kind, "text": event.get("stdout") or ""}
    if kind == "task":
        said["task"] = str(data.get("name") or data.get("task") or "")
    elif kind == "stats":
        said["tallies"] = _tallies(data)
    elif kind:
        said |= {"host": str(data.get("host") or ""), "task": str(data.get("task") or "")}
        said["changed"] = bool(result.get("changed"))
        if data.get("task_action") in _RAW:
            said["said"] = str(result.get("stdout") or result.get("msg") or "")[:2000]
    if kind in ("failed", "unreachable"):
        said["why"] = why(result)[:_LONGEST_WHY]
    return said


def why(result: Mapping[str, Any]) -> str:
    """What is wrong, in one line: as text Ansible folds it, and says last what it has left out.

    Of several items it is the first that failed; of a program, the last that it said, as an error and else. What is
    marked as secret is not looked at, wherever the mark is.
    """
    if result.get("_ansible_no_log"):
        return str(result.get("censored") or "its output is hidden: it may hold secrets")
    items = result.get("results")
    for one in items if isinstance(items, Sequence) else ():
        if isinstance(one, Mapping) and (one.get("failed") or one.get("unreachable")):
            return why(one)
    told = " ".join(_lines(result.get("msg") or result.get("censored")))
    lasts = [lines[-1] for name in _STREAMS if (lines := _lines(result.get(name)))]
    parts = [told, *(last for last in dict.fromkeys(lasts) if last not in told)]
    return ": ".join(part for part in (parts[0], "; ".join(parts[1:])) if part)


def _lines(text: object) -> list[str]:
    return [line.strip() for line in str(text or "").splitlines() if line.strip()]


def _tallies(data: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    hosts = {host for name in _STATS for host in data.get(name) or ()}
    return {host: {ours: int((data.get(name) or {}).get(host, 0)) for name, ours in _STATS.items()} for host in hosts}


_RAW = ("raw", "ansible.builtin.raw")
_STREAMS = ("module_stdout", "stderr", "module_stderr", "stdout")
_LONGEST_WHY = 1 << 16
"""It is cut to what can be shown when the secrets are out of it."""

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.stdout))
