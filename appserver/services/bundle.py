"""One of each service, as `wiring.services` makes them and the edges use them."""

from __future__ import annotations

from dataclasses import dataclass

from appserver.ports import KV, Clock
from appserver.services.access import Access
from appserver.services.applications import Applications
from appserver.services.audit import Audit
from appserver.services.bmc import Bmcs
from appserver.services.bmc_watch import BmcWatch
from appserver.services.boot_numbers import BootNumbers
from appserver.services.boot_servers import BootServers
from appserver.services.clusters import Clusters
from appserver.services.configuration import Configuration
from appserver.services.cordons import Cordons
from appserver.services.deploy import Deploy
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
from appserver.services.nodes import NodeList
from appserver.services.notices import Notices
from appserver.services.notices_view import NoticeList
from appserver.services.operations import Operations
from appserver.services.placements import Placements
from appserver.services.placements_ends import Ends
from appserver.services.placements_scores import PlacementScores
from appserver.services.placements_view import PlacementList
from appserver.services.play_runner import PlayRunner
from appserver.services.plays import Plays
from appserver.services.push import Push
from appserver.services.release_push import ReleasePush
from appserver.services.releases_view import ReleaseList
from appserver.services.retire import Retire
from appserver.services.rollout import Updater
from appserver.services.rollouts import Rollouts
from appserver.services.routes import Routes
from appserver.services.site_config import SiteSettings
from appserver.services.sources import Sources
from appserver.services.transfers import Transfers
from appserver.services.transfers_run import TransfersRun
from appserver.services.updates import Updates
from appserver.services.updates_view import UpdateList


@dataclass(frozen=True, slots=True)
class Services:
    """`kv` is for readiness alone: whatever is asked of the record is asked of a service."""

    kv: KV
    clock: Clock
    access: Access
    audit: Audit
    events: Events
    nodes: NodeList
    metrics: Measurements
    learned: LearnedUsage
    retire: Retire
    boot: BootServers
    boot_numbers: BootNumbers
    bmc: Bmcs
    bmc_watch: BmcWatch
    clusters: Clusters
    cordons: Cordons
    losses: Losses
    everywhere: Everywhere
    deploy: Deploy
    applications: Applications
    lifecycle: Lifecycle
    operations: Operations
    imports: Imports
    sources: Sources
    configuration: Configuration
    placements: Placements
    placement_list: PlacementList
    placement_scores: PlacementScores
    placement_ends: Ends
    plays: Plays
    play_runner: PlayRunner
    site: SiteSettings
    notices: Notices
    notice_list: NoticeList
    push: Push
    releases: ReleaseList
    release_push: ReleasePush
    finish: Finish
    rollouts: Rollouts
    updater: Updater
    updates: Updates
    update_list: UpdateList
    routes: Routes
    transfers: Transfers
    transfers_run: TransfersRun
    keep_current: KeepCurrent
    keeper: Keeper
    handshake: Handshake
    start_up: HandshakeView
