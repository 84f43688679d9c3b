"""Settings to the agent of this node."""

from __future__ import annotations

from pathlib import Path

from appserver.adapters import compose_binary
from appserver.adapters.clock import SystemClock
from appserver.adapters.compose import DockerCompose
from appserver.adapters.dpkg import Dpkg
from appserver.adapters.engine import DockerEngine
from appserver.adapters.host_metrics import KernelHost
from appserver.adapters.sealer import KeySealer
from appserver.adapters.shared_tree import SharedDirectory
from appserver.adapters.stacks import DockerStacks
from appserver.agent.http import Files
from appserver.agent.inventory import Identity
from appserver.agent.main import Agent, Listen
from appserver.settings import AgentSettings, address
from appserver.wiring.agent_measures import metering_of, watch_of
from appserver.wiring.agent_updates import worker_of
from appserver.wiring.store import open_store


def build(settings: AgentSettings) -> Agent:
    """The agent over the real world. Connects when it runs.

    Raises:
        Invalid, BackendError: a file that a setting names, or a program, is missing; the text says which.
    """
    binary = compose_binary.find(settings.compose)
    host = KernelHost(paths=("/", settings.state_dir))
    kv, engine = open_store(settings), DockerEngine(settings.engine, binary.version_text)
    sealer, clock = KeySealer.from_file(Path(settings.seal_key)), SystemClock()
    return Agent(
        Identity(settings.node_name, settings.reached_at, settings.cluster, settings.lrn, settings.labels, settings.ip),
        Path(settings.state_dir),
        kv=kv,
        engine=engine,
        compose=DockerCompose(binary, settings.engine, Path(settings.run_dir)),
        sealer=sealer,
        clock=clock,
        packages=Dpkg(),
        tree=SharedDirectory(settings.shared_dir) if settings.shared_dir else None,
        certificates=_certificates(settings),
        watch=watch_of(settings, host),
        metering=metering_of(settings, host),
        stacks=DockerStacks(settings.engine, Path(settings.run_dir)),
        worker=worker_of(settings, kv, engine, sealer, clock),
        listen=Listen(address(settings.listen, "listen"), Files(settings.ca, settings.cert, settings.key)),
    )


def _certificates(settings: AgentSettings) -> tuple[Path, ...]:
    """The agent's own, its authority's, and those of the other programs of ours that have theirs beside it."""
    own = Path(settings.cert)
    beside = (own.parent / name for name in _BESIDE)
    named = (Path(path) for path in (settings.ca, settings.etcd_ca, settings.etcd_cert) if path)
    return tuple(dict.fromkeys((own, *beside, *named)))


_BESIDE = ("etcd.crt", "serve.crt", "proxy.crt", "routes.crt")
