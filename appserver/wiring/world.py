"""Settings to what an app server stands on: store, engine, git, registries, nodes, boards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appserver.adapters import compose_binary
from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.clock import SystemClock
from appserver.adapters.compose import DockerCompose
from appserver.adapters.git_repositories import GitRepositories
from appserver.adapters.mails import SmtpMails
from appserver.adapters.node_client import NodeClient, NodeTls
from appserver.adapters.passwords import Argon2
from appserver.adapters.playbooks import AnsiblePlaybooks
from appserver.adapters.posts import HttpPosts
from appserver.adapters.registry import Registries
from appserver.adapters.sealer import KeySealer
from appserver.adapters.shared_tree import SharedDirectory
from appserver.core.addresses import outgoing
from appserver.ports import (
    KV,
    Boards,
    Clock,
    Compose,
    Nodes,
    Passwords,
    Playbooks,
    Registry,
    Repositories,
    Sealer,
    SharedTree,
)
from appserver.ports.notices import Mails, Posts
from appserver.services.bmc_watch import LOOK_S
from appserver.settings import ServeSettings
from appserver.store import keys
from appserver.wiring import ansible
from appserver.wiring.store import open_store


@dataclass(frozen=True, slots=True)
class World:
    """What the app server stands on, by its ports."""

    kv: KV
    clock: Clock
    passwords: Passwords
    sealer: Sealer
    compose: Compose
    nodes: Nodes
    registry: Registry
    repositories: Repositories
    boards: Boards
    playbooks: Playbooks
    posts: Posts
    mails: Mails
    tree: SharedTree | None = None
    """None where the site has no shared tree."""


def world_of(settings: ServeSettings) -> World:
    """
    Raises:
        Invalid, BackendError: a file that a setting names, or a program, is missing; the text says which.
    """
    kv, clock = open_store(settings), SystemClock()
    return World(
        kv=kv,
        clock=clock,
        passwords=Argon2(),
        sealer=KeySealer.from_file(Path(settings.seal_key)),
        compose=DockerCompose(compose_binary.find(settings.compose)),
        nodes=NodeClient(
            lambda name: _reached_at(kv, name), NodeTls(settings.node_ca, settings.node_cert, settings.node_key)
        ),
        registry=Registries(settings.registries, outgoing(settings.networks)),
        repositories=GitRepositories(
            Path(settings.state_dir) / "git",
            outgoing(settings.networks),
            lambda: clock.now().timestamp(),
            settings.git_ca,
        ),
        playbooks=AnsiblePlaybooks(ansible.site(settings), settings.play_hours * 3600),
        boards=HardwareBoards(LOOK_S),
        posts=HttpPosts(outgoing(settings.networks)),
        mails=SmtpMails(outgoing(settings.networks), clock.now),
        tree=SharedDirectory(settings.shared_dir) if settings.shared_dir else None,
    )


def _reached_at(kv: KV, name: str) -> str | None:
    """host:port of a node's live reads, while it is on."""
    item = kv.snapshot(keys.alive(name)).items.get(keys.alive(name))
    return item.value if item else None
