"""A client of a site's etcd that writes all the time, and remembers what it was told was written."""

from __future__ import annotations

import time
from threading import Event, Thread

from appserver.adapters.etcd import TLS, Etcd
from appserver.errors import StoreError
from tests.lab.boot_lab import Lab

PREFIX = "/moorage/events/"
PAUSE_S = 0.02


class Writer:
    """Writes from `with` to its end, as people with the site's authority may. One write at a time."""

    def __init__(self, site: Lab) -> None:
        authority = site.directory / "authority"
        tls = TLS(authority / "ca.crt", authority / "controller.crt", authority / "controller.key")
        self._kv = Etcd([f"https://{host.address}:2379" for host in site.of("etcd")], PREFIX, tls, timeout_s=5)
        self._stop = Event()
        self._run_id = f"writer-{time.time_ns()}"
        self._thread = Thread(target=self._write, name="writer")
        self.acknowledged: list[str] = []
        self.longest_s = 0.0
        """The longest time between two writes that were acknowledged."""

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def lost(self) -> list[str]:
        """What was acknowledged and is not there."""
        there = self._kv.snapshot(f"{self._run_id}/").items
        return [key for key in self.acknowledged if key not in there]

    def _write(self) -> None:
        number, last = 0, time.monotonic()
        while not self._stop.wait(PAUSE_S):
            number += 1
            key = f"{self._run_id}/{number:06d}"
            try:
                self._kv.commit({}, {key: str(number)})
            except StoreError:
                continue  # not acknowledged: it may be there or not
            self.acknowledged.append(key)
            self.longest_s = max(self.longest_s, time.monotonic() - last)
            last = time.monotonic()
