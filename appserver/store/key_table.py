"""Every key under the prefix, in one table. `docs/etcd.md` is generated from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One row: the shape of the key, what its value is, and who writes it."""

    shape: str
    value: str
    written_by: str


MACHINES = (
    Key(
        "token",
        "cluster token `NNNNN-NNNNN`: app servers and agents share one global file system",
        "serve, first start",
    ),
    Key("service/master", "address of the app server that leads; carries its lease", "leader"),
    Key("service/mode", "`new` or `recovery`", "leader, operator"),
    Key("machines/allnodes/<ip>", "`ok`: every node that ever came up", "leader"),
    Key(
        "machines/runnodes/<ip>",
        "`waiting`, `init-new`, `init-recovery`, `work`, `ok`; carries the agent's lease",
        "agent, leader",
    ),
    Key(
        "machines/agents/<name>",
        "Holder: which run of which agent has the name and its address; carries the same lease",
        "agent",
    ),
    Key(
        "machines/rivals/<name>/<lease>",
        "Rival: an agent that finds its name or address taken, and by whom; carries its own lease",
        "agent",
    ),
    Key(
        "nodes/<name>",
        "Node: address, ip, lrn, cluster, labels, engine, conditions, first end of its certificates",
        "agent, operator",
    ),
    Key("alive/<name>", "agent's address; carries its lease: absent means the node is off", "agent"),
    Key("clusters/<name>", "Cluster: kind, strategy, labels", "operator"),
    Key("leader/<duty>/<lease>", "candidate for a duty; the lowest create revision leads", "serve, agent"),
)
PLACEMENT = (
    Key("reservations/<node>", "Reservation by holder: cpus, memory, ports", "placement"),
    Key("placements/<cluster>/<name>", "Placed: a container's node, and how long that waits for it", "placement"),
    Key("cordons/<node>", "Cordon: nothing new is placed there; drained, nothing stays", "operator"),
    Key("losses/<node>", "Loss: since when its agent is known to be gone; none while it is there", "serve"),
    Key("containers/<cluster>/<name>", "ContainerRecord: id, image, digest, state, node, application", "agent"),
    Key("learned/<node>/<image>", "Learned: what containers of the image used there, of two to four weeks", "agent"),
)
APPLICATIONS = (
    Key("applications/<cluster>/<app>", "Application: current and latest revision, containers", "deploy"),
    Key("revisions/<cluster>/<app>/<n>", "Revision, immutable", "deploy"),
    Key("outcomes/<cluster>/<app>/<n>", "Outcome of a revision: deployed, failed or superseded, with causes", "serve"),
    Key("rollouts/<cluster>/<app>", "Rollout: a revision on its way over several nodes, until it is settled", "serve"),
    Key(
        "moves/<cluster>/<app>",
        "Transfer: an application on its way to another cluster; how that ended stays for a day",
        "serve",
    ),
    Key("desired/<node>/<cluster>.<app>", "Desired: revision wanted, run state", "deploy"),
    Key("observed/<node>/<cluster>.<app>", "Observed: what the agent found and did, with causes", "agent"),
)
ROUTES = (
    Key("routes/<host>", "Held: which application has which path of the host", "deploy, serve"),
    Key("serving/<node>/<cluster>.<app>", "Serving: host, path, port of containers that take requests", "agent"),
    Key("proxies/<name>", "Applied: how far a proxy is, and what it drains; carries its lease", "proxy"),
)
SOURCES = (
    Key(
        "sources/<name>",
        "Source of configuration: hosted or remote, branch, poll interval, sealed credentials",
        "operator",
    ),
    Key("sourcestate/<name>", "SourceState: last good commit, last error, when", "serve"),
    Key(
        "sourcefiles/<name>/<commit>/<n>",
        "configuration at the commit in force: zlib, base64, in sealed parts",
        "serve",
    ),
    Key(
        "deliveries/<source>/<sha256>", "a webhook that was taken, so that it is not taken twice; lasts a day", "serve"
    ),
)
BOOT_SERVERS = (
    Key("info/bootservers/<LRN>", "empty", "playbooks"),
    Key("info/basefs", "version of the base file system that new nodes are made of", "playbooks"),
    Key("info/ssh-pubkey", "public keys that may log in to the nodes, one in a line", "playbooks"),
    Key("install/<LRN>/containers/<name>", "image with its tag, written after it was seen running", "agent, roles"),
    Key("install/<LRN>/debs/<package>", "package version, written after it was seen installed", "agent, roles"),
    Key(
        "install/<LRN>/bmc/<user>",
        "privilege of a user of its board (`operator`, `operator, disabled`), as it was seen there",
        "roles, serve",
    ),
    Key(
        "bmc/boards/<LRN>",
        "Board: how the board is reached, its users as they are to be, and, sealed, the passwords proven last",
        "roles",
    ),
    Key("bmc/seen/<LRN>", "Seen: whether the last look at the board went well, and whether it is powered", "serve"),
    Key("basefs/<version>", "Basefs: image id, digests, what it was built from, its packages", "playbooks"),
    Key("basefs/<version>/on/<LRN>", "image id, written after that boot server's engine had it", "playbooks"),
)
UPDATES = (
    Key("info/release", "release version", "updater"),
    Key(
        "releases/<version>",
        "Kept: a release, where it came from, its tags, who signed it, why it is put aside",
        "updater, serve",
    ),
    Key("releasefiles/<version>/<n>", "the files of its commit: zlib, base64, in sealed parts", "updater, serve"),
    Key("releasesearch", "Search: how the last look for a new release went, and who asked for one", "updater, serve"),
    Key("status/current", "Request: version, servers, stop, started_at: Neco's", "updater, operator"),
    Key("status/bootservers/<LRN>", "Status: version, step, cond (0 to 3), message: Neco's", "agent"),
    Key("contents/<target>", "Content: version, success: Neco's", "agent that leads in `leader/worker/`"),
    Key("update/run", "Run: the update of `status/current`, its steps, how it came out", "updater, operator"),
    Key("update/deadline", "its number; under a lease that ends with the time that it may take", "updater, operator"),
    Key("update/busy/<LRN>", "number and step, while one runs there; carries a lease of the agent", "agent"),
    Key("updates/<n>", "Run: an update that ended", "updater, operator"),
    Key("updatesteps/<LRN>/<n>", "Progress: what the boot server did in that update, try by try", "agent"),
)
NOTICES = (
    Key("notices/<run>-<name>", "Notice: what is told of an update, once for each run and event", "updater"),
    Key(
        "sendings/<run>-<name>/<channel>",
        "Sending: how far the notice is on a channel: `pending`, `sending`, `sent`, `failed`, `unknown`, `dropped`",
        "serve",
    ),
)
SITE = (
    Key(
        "config/<name>",
        "the site's configuration, as docs/config.md says of each key: URLs, nanoseconds, lines of cron; tokens sealed",
        "operator",
    ),
    Key("bmc/bmc-user", "users of the boards that manage hardware, as bmc-user.json has them; sealed", "operator"),
    Key("bmc/ipmi-user", "user for power on and off; sealed", "operator"),
    Key("bmc/ipmi-password", "its password; sealed", "operator"),
    Key("vault-unseal-key", "key by which a Vault is unsealed; sealed", "operator, roles"),
    Key("vault-root-token", "root token of a Vault; sealed", "operator, roles"),
    Key("teleport/auth-token", "token by which nodes join a Teleport cluster; sealed", "operator"),
    Key("cke/weight", "role of a machine to its weight", "operator"),
    Key(
        "origins/<key>",
        "Origin: who set a key of the site's configuration, and when; counts while it was written together with it",
        "serve, roles",
    ),
)
PLAYS = (
    Key("plays/<n>", "Play: a run of a playbook, asked for, under way or over", "serve"),
    Key("playqueue/<n>", "empty; there while the play waits or runs", "serve"),
    Key("playlocks/<host>", "number of the play that has the host; carries the lease of its app server", "serve"),
    Key("playoutput/<n>/<line>", "lines from that one on: zlib, base64, sealed; `end` after the last", "serve"),
)
PEOPLE = (
    Key("users/<name>", "User: role, argon2 hash", "serve"),
    Key("tokens/<id>", "Token: user, scope, expiry, sha256 of the secret part", "serve"),
    Key("sessions/<id>", "Session, with a lease", "serve"),
    Key("invites/<sha256>", "one-time link: what it is for, expiry", "serve, setup"),
    Key("events/<at>-<id>", "Happening on one of the buses", "serve, agent"),
    Key("audit/<at>-<id>", "AuditEntry", "serve"),
)
SECTIONS: Mapping[str, tuple[Key, ...]] = {
    "The site and its machines": MACHINES,
    "Where containers may run": PLACEMENT,
    "Applications": APPLICATIONS,
    "Routes": ROUTES,
    "Sources of configuration": SOURCES,
    "Boot servers": BOOT_SERVERS,
    "Releases and updates": UPDATES,
    "Notices of updates": NOTICES,
    "The site's configuration": SITE,
    "Playbooks": PLAYS,
    "People, and what was done": PEOPLE,
}
TABLE = tuple(key for keys in SECTIONS.values() for key in keys)


def document() -> str:
    """`docs/etcd.md`."""
    return _ABOUT + "".join(_section(title, keys) for title, keys in SECTIONS.items())


def _section(title: str, keys: Sequence[Key]) -> str:
    rows = "".join(f"| `{key.shape}` | {key.value} | {key.written_by} |\n" for key in keys)
    return f"\n## {title}\n\n| key | value | written by |\n|---|---|---|\n{rows}"


_ABOUT = """# Keys in etcd

Generated by `python -m appserver.store.key_table`. Every key stands below the prefix of the setting `prefix`, by
default `/moorage/`. A value is JSON, field for field the record of that name in `appserver/core`, unless the table says
otherwise.
"""

if __name__ == "__main__":
    sys.stdout.write(document())
