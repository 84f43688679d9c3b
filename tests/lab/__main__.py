"""The lab by hand: `python -m tests.lab --help`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.lab.boot_lab import Lab
from tests.lab.checkout import ROOT, release

FAULTS = {
    "cut": "drop everything on the host's link, or to and from the --from hosts alone",
    "slow": "make what it sends late, by --delay seconds",
    "heal": "make its link whole and quick again",
    "freeze": "stop all its processes in their tracks",
    "thaw": "let them go on",
    "kill": "power off without warning",
    "start": "power on",
    "reset": "make it bare again",
    "shrink": "take it away",
}


def main(argv: list[str]) -> int:
    asked = _arguments().parse_args(argv)
    lab = Lab(asked.name, Path(asked.directory).resolve())
    began = time.monotonic()
    if asked.verb == "play":
        return _play(lab, asked.playbook, asked.arguments)
    if asked.verb == "grow":
        lab.grow(asked.count)
    elif asked.verb == "remove":
        lab.remove()
    elif asked.verb in ("reset", "shrink"):
        getattr(lab, asked.verb)(*(_lrn(host) for host in asked.hosts))
    elif asked.verb != "list":
        _befall(lab, asked)
    for host in lab.hosts:
        sys.stdout.write(f"{host.hostname}  {host.address}  {host.state()}\n")
    sys.stderr.write(f"{time.monotonic() - began:.1f} s\n")
    return 0


def _play(lab: Lab, playbook: str, arguments: list[str]) -> int:
    """As `Lab.play` does, told as it happens; the exit code is Ansible's."""
    if Path(playbook).name == "site.yml":
        sys.stderr.write(f"release {release()}\n")
    return subprocess.run(
        (*lab.ansible(), playbook, *arguments), cwd=ROOT, env=lab.environment(), check=False
    ).returncode


def _befall(lab: Lab, asked: argparse.Namespace) -> None:
    for host in map(lab.__getitem__, map(_lrn, asked.hosts)):
        if asked.verb == "cut":
            host.cut([lab[_lrn(peer)].address for peer in asked.peers or ()])
        elif asked.verb == "slow":
            host.slow(asked.delay)
        else:
            getattr(host, asked.verb)()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--name", default="moorage-lab", help="which lab (default: the one that ./up --lab makes)")
    parser.add_argument("--directory", default=ROOT / "build" / "lab", help="its keys and inventory")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="the hosts that are there")
    verbs.add_parser("grow", help="that many bare hosts more").add_argument("count", type=int)
    play = verbs.add_parser("play", help="run a playbook over it; site.yml with a release made of this checkout")
    play.add_argument("playbook")
    play.add_argument("arguments", nargs=argparse.REMAINDER, help="of ansible-playbook")
    verbs.add_parser("remove", help="take everything away")
    for verb, told in FAULTS.items():
        one = verbs.add_parser(verb, help=told)
        one.add_argument("hosts", nargs="+", metavar="boot-N")
        if verb == "cut":
            one.add_argument("--from", dest="peers", action="append", metavar="boot-N")
        if verb == "slow":
            one.add_argument("--delay", type=float, default=0.05, metavar="SECONDS")
    return parser


def _lrn(name: str) -> int:
    return int(name.removeprefix("boot-"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
