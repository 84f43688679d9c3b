"""The services of releases, over one repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appserver.core.site_config import Site
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.release_check import ReleaseCheck
from appserver.services.release_place import ReleasePlace
from appserver.services.release_push import ReleasePush
from appserver.services.releases import Releases
from appserver.services.releases_view import ReleaseList
from appserver.wiring.world import World


@dataclass(frozen=True, slots=True)
class ReleaseServices:
    releases: Releases
    listed: ReleaseList
    push: ReleasePush
    check: ReleaseCheck


def release_services(world: World, site: Callable[[], Site], audit: Audit, events: Events) -> ReleaseServices:
    kv, clock, repositories = world.kv, world.clock, world.repositories
    place = ReleasePlace(repositories=repositories, site=site)
    releases = Releases(kv=kv, sealer=world.sealer, place=place, site=site, events=events, clock=clock)
    return ReleaseServices(
        releases,
        ReleaseList(kv=kv, place=place, releases=releases, site=site, audit=audit, clock=clock),
        ReleasePush(repositories=repositories, place=place, releases=releases, audit=audit, events=events),
        ReleaseCheck(kv=kv, place=place, releases=releases, site=site, events=events, clock=clock),
    )
