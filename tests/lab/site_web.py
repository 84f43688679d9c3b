"""An application that greets, on the nodes of a site whose proxy leads to it; deployed and seen as by a user."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab
from tests.lab.greeters import greeter, greeting
from tests.lab.site import moorage
from tests.lab.visitors import Visits, ask, visiting

SLOWLY = "/cgi-bin/slow"


@dataclass(frozen=True, slots=True)
class Web:
    """Known as `<name>.example.net` to whoever asks the proxy."""

    site: Lab
    name: str

    @property
    def host(self) -> str:
        return f"{self.name}.example.net"

    def deploy(self, text: str, *argv: str, environment: Sequence[str] = (), **run: object) -> None:
        """So that it says `text`; to its end, unless `argv` has `--no-wait`.

        Args:
            environment: of the service, besides its greeting: constraints.
            run: what `x-moorage` says.
        """
        service = greeting(text, restart="always")
        service["environment"] = [f"GREETING={text}", *environment]
        run = {"timeout": "60s", "expose": {"service": "web", "port": 80, "host": self.host}, **run}
        file = f"/root/{self.name}.yml"
        told = json.dumps({"services": {"web": service}, "x-moorage": run})
        server = self.site.of("appservers")[0]
        server.run("sh", "-c", f"cat > {file}", text=told)
        server.run("moorage", "app", "deploy", self.name, "-f", file, "--yes", *argv)

    def shown(self) -> Mapping[str, Any]:
        return moorage(self.site.of("appservers")[0], "app", "show", self.name)

    def says(self) -> str:
        """What one who asks the proxy is answered; empty while that is no answer of ours."""
        status, text = ask(80, self.host, at=self.site.of("proxies")[0].address)
        return text if status == 200 else ""

    def visited(self) -> AbstractContextManager[Visits]:
        """By 50 a second, each of whom waits a fifth of a second for the answer."""
        return visiting(80, self.host, SLOWLY, at=self.site.of("proxies")[0].address)

    def greetings(self, *but: int) -> dict[str, list[str]]:
        """Host to what its containers say, where one runs; of hosts without these LRNs."""
        found = {host.hostname: self.on(host) for host in self.site.hosts if host.lrn not in but}
        return {name: said for name, said in found.items() if said}

    def on(self, host: BootHost, *, running: bool = True) -> list[str]:
        """What its containers there say, of which there may be several."""
        chosen = f"{'' if running else '-a'} --filter label=com.docker.compose.project={self.name}"
        return host.sh(f"docker ps {chosen} --format '{{{{.Label \"greeting\"}}}}'").split()


def give_image(site: Lab) -> None:
    """The engine of every host holds it; no registry does."""
    saved = subprocess.run(("docker", "save", greeter()), capture_output=True, check=True).stdout
    for host in site.hosts:
        argv = ("docker", "exec", "-i", host.name, "docker", "load", "-q")
        subprocess.run(argv, input=saved, capture_output=True, check=True)


@contextmanager
def watched(web: Web) -> Iterator[list[int]]:
    """How many containers of it run, on all hosts together and as their engines say, over and over."""
    seen: list[int] = []
    over = Event()

    def look() -> None:
        while not over.wait(0.2):
            seen.append(sum(map(len, web.greetings().values())))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield seen
        finally:
            over.set()
        looking.result()
