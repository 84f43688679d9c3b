"""Settings to the services of an app server."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from appserver.adapters.clock import SystemClock
from appserver.adapters.passwords import Argon2
from appserver.core.addresses import outgoing
from appserver.core.release_windows import frozen
from appserver.core.site_config import Site
from appserver.ports import KV, Clock, Passwords
from appserver.services.access import Access
from appserver.services.applications import Applications
from appserver.services.audit import Audit
from appserver.services.bmc import Bmcs
from appserver.services.bmc_watch import BmcWatch
from appserver.services.boot_numbers import BootNumbers
from appserver.services.boot_servers import BootServers
from appserver.services.bundle import Services
from appserver.services.clusters import Clusters
from appserver.services.configuration import Configuration
from appserver.services.cordons import Cordons
from appserver.services.deploy import Deploy
from appserver.services.duties import Duties, Duty, FencedDuty, every
from appserver.services.events import Events
from appserver.services.everywhere import Everywhere
from appserver.services.finish import Finish
from appserver.services.handshake import Handshake
from appserver.services.handshake_view import HandshakeView
from appserver.services.imports import Imports
from appserver.services.keep_current import KeepCurrent
from appserver.services.keeper import Keeper
from appserver.services.learned import LearnedUsage
from appserver.services.lifecycle import Lifecycle
from appserver.services.losses import Losses
from appserver.services.metrics import Measurements
from appserver.services.moves import Moves
from appserver.services.nodes import NodeList
from appserver.services.notices import Notices
from appserver.services.notices_send import NoticeSender
from appserver.services.notices_view import NoticeList
from appserver.services.observe import Observer
from appserver.services.operations import Operations
from appserver.services.placements import Placements
from appserver.services.placements_ends import Ends
from appserver.services.placements_ground import DUTY as PLACEMENTS
from appserver.services.placements_scores import PlacementScores
from appserver.services.placements_view import PlacementList
from appserver.services.play_run import PlayRun
from appserver.services.play_runner import PlayRunner
from appserver.services.plays import Plays
from appserver.services.push import Push
from appserver.services.reconfigure import Reconfigure
from appserver.services.retention import Retention
from appserver.services.retire import Retire
from appserver.services.rollout import Updater
from appserver.services.rollouts import Rollouts
from appserver.services.routes import Routes
from appserver.services.routes_claims import Claims
from appserver.services.sessions import Sessions
from appserver.services.setup import Setup
from appserver.services.site_config import SiteSettings
from appserver.services.source_files import SourceFiles
from appserver.services.source_records import SourceRecords
from appserver.services.source_trees import SourceTrees
from appserver.services.sources import Sources
from appserver.services.throttle import Throttle
from appserver.services.tokens import Tokens
from appserver.services.transfers import Transfers
from appserver.services.transfers_run import TransfersRun
from appserver.services.updates import Updates
from appserver.services.updates_view import UpdateList
from appserver.services.users import Users
from appserver.settings import ServeSettings
from appserver.store.site_config import read, site
from appserver.wiring.releases import release_services
from appserver.wiring.store import open_store, secret
from appserver.wiring.world import World, world_of

_ROUTES_S = 60.0


def build(settings: ServeSettings) -> Services:
    """The services over the real world. Connects at the first call, so it may be made before etcd is up."""
    return assemble(world_of(settings), settings)


def assemble(world: World, settings: ServeSettings) -> Services:
    """One of each service, each given what it needs."""
    kv, clock = world.kv, world.clock
    audit = Audit(kv=kv, clock=clock)
    events = Events(kv=kv, clock=clock)
    access = _access(kv, clock, audit, world.passwords, timedelta(hours=settings.session_hours))
    records = SourceRecords(kv)
    sources = Sources(
        kv=kv,
        records=records,
        repositories=world.repositories,
        sealer=world.sealer,
        audit=audit,
        events=events,
        clock=clock,
        rule=outgoing(settings.networks),
        url=settings.url,
    )
    trees = SourceTrees(kv=kv, records=records, repositories=world.repositories, sealer=world.sealer)
    observer = Observer(kv, world.compose, world.nodes, world.registry, world.sealer, trees, clock, settings.bind_roots)
    claims = Claims(kv, _hosts(settings.url))
    deploy = Deploy(kv, observer, access, audit, events, clock, claims)
    finish = Finish(kv, events, clock)
    operations = Operations(kv, access, finish)
    moves = Moves(kv, deploy)
    reconfigure = Reconfigure(kv=kv, records=records, trees=trees, deploy=deploy, sealer=world.sealer, clock=clock)
    clusters = Clusters(kv=kv, audit=audit, events=events)
    books, sealer = world.playbooks, world.sealer
    plays = Plays(kv=kv, playbooks=books, sealer=sealer, audit=audit, events=events, clock=clock)
    sender = NoticeSender(
        kv=kv,
        sealer=sealer,
        posts=world.posts,
        mails=world.mails,
        cluster=settings.cluster,
        host=urlsplit(settings.url).hostname or "",
    )
    run = PlayRun(kv=kv, playbooks=books, sealer=sealer, events=events, clock=clock, server=settings.url)

    def holds() -> Site:
        return site(*read(kv, sealer, origins=False))

    releases = release_services(world, holds, audit, events)
    return Services(
        kv=kv,
        clock=clock,
        access=access,
        audit=audit,
        events=events,
        nodes=NodeList(kv=kv),
        metrics=Measurements(kv=kv, nodes=world.nodes, clock=clock),
        learned=LearnedUsage(kv=kv, clock=clock, access=access),
        retire=Retire(kv=kv, clock=clock, audit=audit, events=events),
        boot=BootServers(kv=kv),
        boot_numbers=BootNumbers(kv=kv, audit=audit, events=events),
        bmc=Bmcs(kv=kv, boards=world.boards, sealer=world.sealer, audit=audit, events=events),
        bmc_watch=BmcWatch(
            kv=kv, boards=world.boards, sealer=world.sealer, clock=clock, every_s=settings.bmc_interval_s
        ),
        clusters=clusters,
        cordons=Cordons(kv=kv, moves=moves, audit=audit, events=events, clock=clock),
        losses=Losses(kv=kv, moves=moves, clock=clock),
        everywhere=Everywhere(kv=kv, moves=moves),
        deploy=deploy,
        applications=Applications(kv, world.nodes, observer, world.sealer, access),
        lifecycle=Lifecycle(kv, deploy, access, audit, clock),
        operations=operations,
        imports=Imports(kv, world.nodes, deploy, access),
        sources=sources,
        configuration=Configuration(trees=trees),
        placements=Placements(kv=kv, clock=clock, access=access, audit=audit, own=settings.reached_at),
        placement_list=PlacementList(kv=kv, access=access),
        placement_scores=PlacementScores(kv=kv, access=access),
        placement_ends=Ends(kv=kv, events=events),
        plays=plays,
        play_runner=PlayRunner(kv=kv, playbooks=books, run=run, at_once=settings.plays_at_once),
        site=SiteSettings(
            kv=kv,
            sealer=world.sealer,
            audit=audit,
            events=events,
            clock=clock,
            rule=outgoing(settings.networks),
        ),
        notices=Notices(kv=kv, sender=sender, clock=clock),
        notice_list=NoticeList(kv=kv, sender=sender, audit=audit, events=events, clock=clock),
        push=Push(
            repositories=world.repositories,
            records=records,
            reconfigure=reconfigure,
            operations=operations,
            audit=audit,
            events=events,
        ),
        releases=releases.listed,
        release_push=releases.push,
        finish=finish,
        rollouts=Rollouts(kv, finish, access, audit),
        updater=Updater(kv=kv, site=holds, events=events, clock=clock, freeze=frozen, check=releases.check.run),
        updates=Updates(kv=kv, site=holds, audit=audit, events=events, clock=clock, freeze=frozen),
        update_list=UpdateList(kv=kv, site=holds, freeze=frozen, clock=clock),
        routes=Routes(kv=kv, claims=claims, public_url=settings.public_url),
        transfers=Transfers(
            kv=kv, observer=observer, claims=claims, access=access, audit=audit, events=events, clock=clock
        ),
        transfers_run=TransfersRun(kv=kv, claims=claims, audit=audit, events=events, clock=clock),
        keep_current=KeepCurrent(
            kv=kv,
            records=records,
            sources=sources,
            repositories=world.repositories,
            reconfigure=reconfigure,
            audit=audit,
            events=events,
            clock=clock,
        ),
        handshake=Handshake(kv=kv, events=events, address=settings.reached_at, tree=world.tree),
        start_up=HandshakeView(kv=kv, audit=audit),
        keeper=Keeper(
            clusters=clusters,
            sources=sources,
            tokens=access.tokens,
            audit=audit,
            events=events,
            retention=Retention(kv, settings.revisions_kept),
            files=SourceFiles(kv, world.sealer),
            plays=plays,
            plays_kept=max(settings.plays_kept, 1),
            cluster=settings.cluster,
        ),
    )


def duties(services: Services, settings: ServeSettings) -> Duties:
    """What one app server at a time does for all of them."""
    work = (
        FencedDuty("master", services.handshake.run),
        Duty("finisher", services.finish.run),
        Duty("rollouts", services.rollouts.run),
        FencedDuty("updater", services.updater.run),
        Duty("moves", services.transfers_run.run),
        Duty("losses", services.losses.run),
        Duty("everywhere", services.everywhere.run),
        Duty("sources", services.keep_current.run),
        Duty("keeper", services.keeper.run),
        Duty("routes", every(_ROUTES_S, services.routes.prune)),
        Duty("boards", services.bmc_watch.run),
        FencedDuty("notices", services.notices.run),
        FencedDuty(PLACEMENTS, services.placement_ends.run, settings.reached_at),
    )
    return Duties(kv=services.kv, value=settings.url, duties=work)


@contextmanager
def setup(settings: ServeSettings) -> Iterator[Setup]:
    """The first steps, over the store alone."""
    kv, clock = open_store(settings), SystemClock()
    try:
        audit = Audit(kv=kv, clock=clock)
        access = _access(kv, clock, audit, Argon2(), timedelta(hours=settings.session_hours))
        yield Setup(access=access, clock=clock, fresh=secrets.token_hex)
    finally:
        kv.close()


def cookie_key(settings: ServeSettings) -> bytes:
    """Signs session cookies: made of the seal key, which every app server of an installation has."""
    return hmac.digest(secret(settings.seal_key).encode(), b"moorage cookie", hashlib.sha256)


def _hosts(url: str) -> tuple[str, ...]:
    """Of a URL by which people reach an app server."""
    host = urlsplit(url).hostname
    return (host,) if host else ()


def _access(kv: KV, clock: Clock, audit: Audit, passwords: Passwords, lasts: timedelta) -> Access:
    return Access(
        kv=kv,
        passwords=passwords,
        users=Users(kv=kv, passwords=passwords, audit=audit, clock=clock),
        tokens=Tokens(kv=kv, audit=audit, clock=clock),
        sessions=Sessions(kv=kv, clock=clock, lasts=lasts),
        audit=audit,
        throttle=Throttle(),
    )
