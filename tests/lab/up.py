"""What `./up --lab N` does once the machine has an engine: N boot servers, all of Moorage on them, the sample.

`python -m tests.lab.up 3 -- arguments of ansible-playbook`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.lab import sample
from tests.lab.boot_lab import RECAP, Lab
from tests.lab.checkout import ROOT

NAME = "moorage-lab"
LOG = Path("/var/log/moorage/up.log")
DIRECTORY = ROOT / "build" / "lab"


def main(count: int, argv: list[str]) -> int:
    began = time.monotonic()
    lab = Lab(NAME, DIRECTORY)
    missing = count - len(lab.hosts)
    _say(began, f"Boot servers: {count}")
    if missing > 0:
        lab.grow(missing)
    for host in lab.hosts:
        if host.state() != "running":
            host.start()
    changed = _playbook(began, lab, argv)
    _say(began, "Sample images")
    subprocess.run(
        (sample.SAMPLE / "build", "images"), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    sample.give_images(lab)
    _say(began, "Sample application")
    runs_on = sample.deploy(lab)
    server = lab.of("appservers")[0]
    told = server.run("moorage", "setup", "link").splitlines()
    link = next((line for line in told if line.startswith("http")), "was made: the administrator logs in")
    node = next(host for host in lab.hosts if host.hostname == runs_on)
    sys.stdout.write(
        f"\nPlaybook: changed={changed}.\n\n"
        f"  Application  http://{node.address}:8081/ (on {runs_on})\n"
        f"  Web page     http://{server.address}:8080/\n"
        f"  First visit  {link}\n\n"
        f"  ssh -F build/lab/ssh_config {server.hostname} moorage node list\n"
        "  docs/lab.md                    how to cut, slow, freeze and kill its hosts\n"
        "  ./down                         undoes all of this\n"
    )
    return 0


def _playbook(began: float, lab: Lab, argv: list[str]) -> int:
    """Each play is told as it begins; all of it goes to the log. How much it changed."""
    command = (*lab.ansible(), "playbooks/site.yml", *argv)
    told: list[str] = []
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=lab.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as playing,
    ):
        assert playing.stdout
        for line in playing.stdout:
            log.write(line)
            told.append(line)
            if line.startswith("PLAY ["):
                _say(began, line[6 : line.index("]")])
    if playing.returncode:
        why = [line.partition("Action failed: ")[2] for line in told if line.startswith("[ERROR]: Task failed: Action")]
        sys.stderr.write(f"\n./up: {''.join(why) or ''.join(told[-60:])}All of it: {LOG}\n")
        sys.exit(1)
    return sum(int(found[2]) for found in RECAP.findall("".join(told)))


def _say(began: float, text: str) -> None:
    sys.stdout.write(f"{time.monotonic() - began:4.0f} s  {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[3:]))
