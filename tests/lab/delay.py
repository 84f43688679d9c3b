"""Makes all that leaves a network interface late, where the kernel has no netem. Run inside the network it slows.

Packets on their way out are turned into a tap device, kept here for a while, and sent past the turn.
`delay.py eth0 0.05 PIDFILE` goes on in the background once it works, and takes everything back at SIGTERM.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path

TAP = "lab-slow"
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
LARGEST = 1 << 16


def main(interface: str, delay_s: float, pid_file: Path) -> None:
    with ExitStack() as undo:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", TAP.encode(), IFF_TAP | IFF_NO_PI))
        _run("ip", "link", "set", TAP, "up")
        _run("tc", "qdisc", "add", "dev", interface, "clsact")
        undo.callback(_run, "tc", "qdisc", "del", "dev", interface, "clsact")
        everything = ("protocol", "all", "u32", "match", "u32", "0", "0")
        turned = ("action", "mirred", "egress", "redirect", "dev", TAP)
        _run("tc", "filter", "add", "dev", interface, "egress", *everything, *turned)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
            out.bind((interface, 0))
            if child := os.fork():
                pid_file.write_text(str(child))
                os._exit(0)  # what is set up is the child's to take back
            os.setsid()
            _carry(tap, out, delay_s)


def _carry(tap: int, out: socket.socket, delay_s: float) -> None:
    waiting: deque[tuple[float, bytes]] = deque()
    while True:
        left_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([tap], [], [], left_s)[0]:
            waiting.append((time.monotonic() + delay_s, os.read(tap, LARGEST)))
        while waiting and waiting[0][0] <= time.monotonic():
            out.send(waiting.popleft()[1])


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
