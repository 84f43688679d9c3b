"""How keys under the prefix are made; `key_table` says of each what stands there.

Those of one matter that few ask for stand with it: `store/{plays,sources,notices,site_config,releases,rollout}.py`.

Names are checked (`store/names.py`) before any key is made, so that no name can reach into another's key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from urllib.parse import quote

from appserver.core import expose
from appserver.core.entities import AppKey
from appserver.errors import BadRecord, Invalid
from appserver.store.names import check_address, check_app, check_container, check_id, check_name, check_package

ROLLOUTS = "rollouts/"
MOVES = "moves/"
CORDONS, LOSSES = "cordons/", "losses/"
TOKEN, MASTER, MODE = "token", "service/master", "service/mode"
ALLNODES, RUNNODES = "machines/allnodes/", "machines/runnodes/"
AGENTS, RIVALS = "machines/agents/", "machines/rivals/"
PLACEMENTS = "placements/"
ROUTES, SERVING, PROXIES = "routes/", "serving/", "proxies/"
LEARNED = "learned/"


def application(key: AppKey) -> str:
    check_app(key)
    return f"applications/{key.cluster}/{key.name}"


def revisions(key: AppKey) -> str:
    check_app(key)
    return f"revisions/{key.cluster}/{key.name}/"


def revision(key: AppKey, number: int) -> str:
    return f"{revisions(key)}{int(number):08d}"


def rollout(key: AppKey) -> str:
    check_app(key)
    return f"{ROLLOUTS}{key.cluster}/{key.name}"


def move(key: AppKey) -> str:
    check_app(key)
    return f"{MOVES}{key.cluster}/{key.name}"


def cordon(node_name: str) -> str:
    return f"{CORDONS}{check_name(node_name, 'node')}"


def loss(node_name: str) -> str:
    return f"{LOSSES}{check_name(node_name, 'node')}"


def outcomes(key: AppKey) -> str:
    check_app(key)
    return f"outcomes/{key.cluster}/{key.name}/"


def outcome(key: AppKey, number: int) -> str:
    return f"{outcomes(key)}{int(number):08d}"


def desired_of(node_name: str) -> str:
    return f"desired/{check_name(node_name, 'node')}/"


def desired(node_name: str, key: AppKey) -> str:
    return f"{desired_of(node_name)}{check_app(key)}"


def observed_of(node_name: str) -> str:
    return f"observed/{check_name(node_name, 'node')}/"


def observed(node_name: str, key: AppKey) -> str:
    return f"{observed_of(node_name)}{check_app(key)}"


def learned_of(node_name: str) -> str:
    return f"{LEARNED}{check_name(node_name, 'node')}/"


def learned(node_name: str, image: str) -> str:
    """`image` by its name, with a tag where it has one."""
    return f"{learned_of(node_name)}{quote(image, safe='')}"


def node(name: str) -> str:
    return f"nodes/{check_name(name, 'node')}"


def alive(name: str) -> str:
    return f"alive/{check_name(name, 'node')}"


def allnode(ip: str) -> str:
    return f"{ALLNODES}{check_address(ip)}"


def runnode(ip: str) -> str:
    return f"{RUNNODES}{check_address(ip)}"


def agent(name: str) -> str:
    return f"{AGENTS}{check_name(name, 'node')}"


def rival(name: str, lease: int) -> str:
    return f"{RIVALS}{check_name(name, 'node')}/{lease:x}"


def cluster(name: str) -> str:
    return f"clusters/{check_name(name, 'cluster')}"


def reservation(node_name: str) -> str:
    return f"reservations/{check_name(node_name, 'node')}"


def containers(cluster_name: str) -> str:
    return f"containers/{check_name(cluster_name, 'cluster')}/"


def container(cluster_name: str, name: str) -> str:
    return f"{containers(cluster_name)}{check_container(name)}"


def placements(cluster_name: str) -> str:
    return f"{PLACEMENTS}{check_name(cluster_name, 'cluster')}/"


def placement(cluster_name: str, name: str) -> str:
    return f"{placements(cluster_name)}{check_container(name)}"


def route(host: str) -> str:
    return f"{ROUTES}{expose.host('host', host)}"


def serving_of(node_name: str) -> str:
    return f"{SERVING}{check_name(node_name, 'node')}/"


def serving(node_name: str, key: AppKey) -> str:
    return f"{serving_of(node_name)}{check_app(key)}"


def proxy(name: str) -> str:
    return f"{PROXIES}{check_name(name, 'proxy')}"


def bootserver(lrn: int) -> str:
    return f"info/bootservers/{int(lrn)}"


def installed(lrn: int, kind: Literal["containers", "debs"]) -> str:
    """The prefix of one list of one boot server: its slash keeps the server 1 apart from 10."""
    return f"install/{int(lrn)}/{kind}/"


def installed_container(lrn: int, name: str) -> str:
    return f"{installed(lrn, 'containers')}{check_container(name)}"


def installed_deb(lrn: int, package: str) -> str:
    return f"{installed(lrn, 'debs')}{check_package(package)}"


def installed_bmc(lrn: int, user: str = "") -> str:
    """The account of that name, whatever a board calls it; without one, the prefix of all."""
    return f"install/{int(lrn)}/bmc/{quote(user, safe='')}"


def bmc_board(lrn: int) -> str:
    return f"bmc/boards/{int(lrn)}"


def bmc_seen(lrn: int) -> str:
    return f"bmc/seen/{int(lrn)}"


def basefs(version: str) -> str:
    return f"basefs/{check_name(version, 'version')}"


def basefs_on(version: str, lrn: int) -> str:
    return f"{basefs(version)}/on/{int(lrn)}"


def user(name: str) -> str:
    return f"users/{check_name(name, 'user')}"


def token(token_id: str) -> str:
    return f"tokens/{check_id(token_id, 'token')}"


def session(digest: str) -> str:
    """`digest` is the sha256 of what the browser holds, so that a reader of the store cannot act as anybody."""
    return f"sessions/{check_id(digest, 'session')}"


def invite(digest: str) -> str:
    return f"invites/{check_id(digest, 'invite')}"


def event(at: datetime, event_id: str) -> str:
    return f"events/{moment(at, event_id)}"


def audit(at: datetime, entry_id: str) -> str:
    return f"audit/{moment(at, entry_id)}"


def moment(at: datetime, entry_id: str) -> str:
    """What sorts by time, then by id: the last part of event and audit keys, and the cursor of their pages."""
    return f"{at:%Y%m%dT%H%M%S.%f}-{check_id(entry_id, 'id')}"


def parse_app(text: str) -> AppKey:
    """`<cluster>.<app>`, the last part of a desired or observed key."""
    cluster_name, _, name = text.partition(".")
    return check_app(AppKey(cluster_name, name))


def stored_app(key: str) -> AppKey:
    """The application that the last part of a stored key names.

    Raises:
        BadRecord: it names none; the store was written by another program.
    """
    try:
        return parse_app(key.rpartition("/")[2])
    except Invalid as error:
        raise BadRecord(f"{key} names no application: {error}") from error
