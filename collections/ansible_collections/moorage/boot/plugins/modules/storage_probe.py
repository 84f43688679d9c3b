#!/usr/bin/python
"""Ansible module: a directory takes and gives back what is written, in time, and shows what other hosts wrote."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_probe
short_description: A directory can be written and read in time, by all hosts alike
version_added: 0.1.0
description:
  - With C(state=written), writes random text under this host's name, reads it back, and returns it.
  - With C(state=seen), waits until the directory shows what each host wrote, which proves that all hosts share it.
  - With C(state=absent), removes what this host wrote.
  - Works in a process of its own, so that a server that does not answer fails the task and does not hang it.
options:
  path:
    description: The directory to be proven.
    type: path
    required: true
  name:
    description: Name of this host.
    type: str
    required: true
  written:
    description: Name of a host to what it wrote.
    type: dict
    default: {}
  state:
    description: What is proven.
    type: str
    choices: [written, seen, absent]
    required: true
  timeout:
    description: Seconds in which it is to be proven.
    type: int
    default: 20
attributes:
  check_mode: {support: none, description: It writes to prove that it can.}
  diff_mode: {support: none, description: Nothing is left that could differ.}
  idempotent: {support: full, description: It changes nothing that stays.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The shared tree can be written
  moorage.boot.storage_probe:
    path: /opt/moorage-data/global
    name: boot-0
    state: written
"""

RETURN = r"""
text:
  description: What was written.
  type: str
  returned: with state=written
unseen:
  description: Hosts whose text the directory does not show.
  type: list
  elements: str
  returned: with state=seen
seconds:
  description: How long it took.
  type: float
  returned: always
"""

import contextlib  # noqa: E402
import multiprocessing  # noqa: E402
import multiprocessing.connection  # noqa: E402
import os  # noqa: E402
import secrets  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

PLACE = ".moorage-probe"
EVERY_S = 0.2


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "written": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": ["written", "seen", "absent"], "required": True},
            "timeout": {"type": "int", "default": 20},
        },
    )
    asked = module.params
    answers, side = multiprocessing.Pipe(duplex=False)
    began = time.monotonic()
    # A daemon: what hangs in the kernel is left behind, and nobody waits for it.
    worker = multiprocessing.Process(target=_worker, args=(side, asked, began + asked["timeout"]), daemon=True)
    worker.start()
    if not answers.poll(asked["timeout"] + 1):
        _leave(module, worker, f"{asked['path']} did not answer in {asked['timeout']} s")
    told = answers.recv()
    if "error" in told:
        module.fail_json(msg=f"{asked['path']}: {told['error']}")
    module.exit_json(changed=False, seconds=round(time.monotonic() - began, 2), **told)


def _leave(module: AnsibleModule, worker: multiprocessing.Process, why: str) -> None:
    """Fail without the interpreter's own end, which would wait for the process that hangs."""
    worker.kill()
    with contextlib.suppress(SystemExit):
        module.fail_json(msg=why)
    sys.stdout.flush()
    os._exit(1)


def _worker(side: multiprocessing.connection.Connection, asked: dict[str, object], until: float) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):  # else the connection to the host would stay open as long as this hangs
        os.dup2(nothing, handle)
    work = {"written": _write, "seen": _see, "absent": _remove}[asked["state"]]
    try:
        side.send(work(os.path.join(asked["path"], PLACE), asked, until))
    except OSError as error:
        side.send({"error": str(error)})


def _write(place: str, asked: dict[str, object], _until: float) -> dict[str, object]:
    os.makedirs(place, mode=0o700, exist_ok=True)
    path, text = os.path.join(place, asked["name"]), secrets.token_hex(16)
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
    return {"text": text} if _read(path) == text else {"error": "it does not give back what was written"}


def _see(place: str, asked: dict[str, object], until: float) -> dict[str, object]:
    while True:
        unseen = [name for name, text in asked["written"].items() if _read(os.path.join(place, name)) != text]
        if not unseen or time.monotonic() + EVERY_S > until:
            return {"unseen": unseen}
        time.sleep(EVERY_S)


def _remove(place: str, asked: dict[str, object], _until: float) -> dict[str, object]:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(place, asked["name"]))
    with contextlib.suppress(OSError):  # of the others something is there
        os.rmdir(place)
    return {}


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    main()
