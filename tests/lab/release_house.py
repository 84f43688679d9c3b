"""The services of releases over a store in memory, with a clock in hand and real git."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from appserver.adapters.git_repositories import GitRepositories
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.addresses import outgoing
from appserver.core.site_config import Site
from appserver.services.release_check import ReleaseCheck
from appserver.services.release_place import ReleasePlace
from appserver.services.releases import Releases
from appserver.services.site_config import SiteSettings
from appserver.store import site_config
from tests.fakes import Desk

SEALER = KeySealer(b"k" * 32)


@dataclass(slots=True)
class ReleaseHouse:
    state: Path
    ca_file: str = ""
    networks: tuple[str, ...] = ("127.0.0.0/8",)
    """What repositories elsewhere may be in, besides the internet."""
    desk: Desk = field(default_factory=Desk)
    repositories: GitRepositories = field(init=False)
    place: ReleasePlace = field(init=False)
    releases: Releases = field(init=False)
    check: ReleaseCheck = field(init=False)
    settings: SiteSettings = field(init=False)
    root: Caller = field(init=False)

    def __post_init__(self) -> None:
        desk = self.desk
        common = {"kv": desk.kv, "events": desk.events, "clock": desk.clock}
        self.repositories = GitRepositories(self.state / "git", outgoing(self.networks), lambda: 0.0, self.ca_file)
        self.place = ReleasePlace(repositories=self.repositories, site=self.site)
        self.place.ensure()
        self.releases = Releases(**common, sealer=SEALER, place=self.place, site=self.site)
        self.check = ReleaseCheck(**common, place=self.place, releases=self.releases, site=self.site)
        self.settings = SiteSettings(**common, sealer=SEALER, audit=desk.audit)
        self.root = desk.person("root")

    def site(self) -> Site:
        return site_config.site(*site_config.read(self.desk.kv, SEALER, origins=False))

    def configure(self, name: str, value: str) -> None:
        """As `moorage config set` does, unset with an empty value."""
        if value:
            self.settings.set(self.root, name, value)
        else:
            self.settings.unset(self.root, name)

    @property
    def in_force(self) -> str:
        item = self.desk.kv.snapshot("info/release").items.get("info/release")
        return item.value if item else ""

    def events(self) -> list[str]:
        """What was told on the buses, the first first."""
        return [event.message for _, event in reversed(self.desk.events.list(self.root).items)]
