"""The site's configuration: every key of it, what may stand there, and what holds where nothing does.

What stands in etcd is what Neco keeps there, field for field: durations in nanoseconds, several lines of cron parted by
line ends. Secrets are sealed. `docs/config.md` is generated from the table here.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from appserver.core import site_kinds as kinds
from appserver.core import site_kinds_mail as mail_kinds
from appserver.core import site_kinds_release as release_kinds
from appserver.core.secrets import is_sealed
from appserver.core.site_kinds import Kind
from appserver.errors import Invalid, NotFound

SECTION = "config/"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key. `default` is the text that is kept; "" where nothing is. `names` are what else people may call it.

    `old` are keys that it had in the past: read where it is not set, never written.
    """

    key: str
    kind: Kind
    about: str
    default: str = ""
    names: tuple[str, ...] = ()
    old: tuple[str, ...] = ()

    def keep(self, given: str) -> str:
        """The text to be kept, before it is sealed.

        Raises:
            Invalid: `where` is the key; the reason repeats nothing of what was given.
        """
        if is_sealed(given):
            raise Invalid(self.key, "begins as only what is sealed here may")
        try:
            return self.kind.keep(given)
        except Invalid as error:
            raise Invalid(": ".join(filter(None, (self.key, error.where))), error.why) from error

    def shown(self, kept: str) -> str:
        """What people see of a kept text: no secret.

        Raises:
            Invalid: it is not of the kind; somebody else wrote it.
        """
        return self.kind.show(self.kind.tell(kept))


@dataclass(frozen=True, slots=True)
class Origin:
    """`origins/<key>`: who set the key, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Site:
    """What is in force, all of one store revision. It holds secrets in the clear: never to be logged or recorded."""

    revision: int
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Key to the text that is kept, opened; those alone that are set, and are of their kind."""

    def text(self, key: str) -> str:
        """As people write it; its default where it is not set; "" where there is none."""
        setting = BY_KEY[key]
        kept = self.kept.get(key, setting.default)
        return setting.kind.tell(kept) if kept else ""

    def seconds(self, key: str) -> float:
        """Of a duration."""
        return int(self.kept.get(key, BY_KEY[key].default)) / 1e9

    def lines(self, key: str) -> tuple[str, ...]:
        return tuple(self.text(key).splitlines())


def find(name: str) -> Setting:
    """The setting of a key, or of what else it is called: `config/proxy`, `proxy`, Neco's `slack`, an old key.

    Raises:
        NotFound: there is none; the nearest is named.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = difflib.get_close_matches(name[:100], _BY_NAME, 1)
    hint = f"; did you mean {_BY_NAME[near[0]].key}?" if near else "; `moorage config get` lists them"
    raise NotFound(f"there is no key {name[:100]!r} in the site's configuration{hint}")


def place(key: str) -> str:
    """Where the value of a key is sealed for: the place that `ports.Sealer` asks for."""
    return f"site:{key}"


def document() -> str:
    """`docs/config.md`."""
    rows = "".join(f"| `{s.key}` | {_names(s)} | {_kind(s)} | {_default(s)} | {s.about} |\n" for s in TABLE)
    return _ABOUT + rows


_MINUTE = 60_000_000_000
_BLOCK = "Addresses that load balancers give out: "

TABLE: tuple[Setting, ...] = (
    Setting(
        "config/env",
        kinds.choice("none", "test", "dev", "staging", "prod"),
        "Channel that boot servers take releases from; `none`: they are not updated.",
        "none",
    ),
    Setting(
        "config/notification/slack",
        kinds.WEBHOOK,
        "Where updates are told of: an incoming webhook of Slack, or of what speaks like it.",
        names=("slack",),
    ),
    Setting(
        "config/notification/webhook",
        replace(kinds.WEBHOOK, sealed=bool),
        "Where updates are told of besides: any URL, which is posted the JSON of docs/notices.md.",
        names=("webhook",),
    ),
    Setting(
        "config/notification/webhook-secret",
        kinds.SECRET,
        "What is posted there is signed with it, in the header `X-Hub-Signature-256`.",
        names=("webhook-secret",),
    ),
    Setting(
        "config/notification/mail",
        mail_kinds.MAILBOXES,
        "Who is told of updates by mail; it takes `config/notification/smtp`.",
        names=("mail",),
    ),
    Setting(
        "config/notification/mail-sender",
        mail_kinds.MAILBOX,
        "Whom such mail is from; where it is not set: `moorage@` and the app server's host.",
        names=("mail-sender",),
    ),
    Setting(
        "config/notification/smtp",
        mail_kinds.SMTP,
        "Mail server: `smtps` is TLS, `starttls` becomes TLS before anything is said, `smtp` does where there is a "
        "password, and is plain otherwise. Ports 465, 587, 25.",
        names=("smtp",),
    ),
    Setting("config/proxy", kinds.URL, "HTTP proxy by which boot servers reach the internet."),
    Setting(
        "config/check-update-interval",
        kinds.duration("1s"),
        "How often it is looked for a new release.",
        str(_MINUTE),
    ),
    Setting(
        "config/worker-timeout-duration",
        kinds.duration("1s"),
        "How long an update may take on all boot servers together, before it is stopped.",
        str(60 * _MINUTE),
        names=("worker-timeout",),
        old=("config/worker-timeout",),
    ),
    Setting("config/release-time", kinds.CRONS, "When a new release may be begun with.", "* * * * *"),
    Setting("config/release-timezone", kinds.ZONE, "Time zone of `config/release-time`.", "UTC"),
    Setting(
        "config/release-freeze",
        release_kinds.FREEZE,
        "While it holds no new release is taken: a reason, with or without dates before it (docs/releases.md).",
    ),
    Setting(
        "config/release-repository",
        release_kinds.REPOSITORY,
        "Where releases are, by https or ssh; where it is not set: in the repository `releases` of the app server.",
    ),
    Setting("config/github-token", kinds.SECRET, "Token for `config/release-repository` by https."),
    Setting("config/release-repository-key", release_kinds.PRIVATE_KEY, "Private key for it by ssh."),
    Setting(
        "config/release-known-hosts",
        release_kinds.KNOWN_HOSTS,
        "The key of its host, as `ssh-keyscan` tells it, once verified.",
    ),
    Setting(
        "config/release-signers",
        release_kinds.SIGNERS,
        "Who may sign releases. Where it is set, a release whose tag none of them signed is refused.",
    ),
    Setting("config/node-proxy", kinds.URL, "HTTP proxy by which the other nodes reach the internet."),
    Setting("config/external-ip-address-block", kinds.CIDR, "Addresses that are published to the outside."),
    *(
        Setting(f"config/lb-address-block-{pool}", kinds.CIDR, f"{_BLOCK}the pool `{pool}`.")
        for pool in ("default", "bastion", "internet", "internet-cn")
    ),
    Setting(
        "bmc/bmc-user",
        kinds.BMC_USERS,
        "Users of the boards that manage hardware, each with its password or its hash and salt: bmc-user.json.",
        names=("bmc-user",),
    ),
    Setting("bmc/ipmi-user", kinds.BMC_NAME, "User for power on and off.", names=("ipmi-user",)),
    Setting("bmc/ipmi-password", kinds.BMC_NAME, "Password of `bmc/ipmi-user`.", names=("ipmi-password",)),
    Setting("vault-unseal-key", kinds.SECRET, "Key by which a Vault is unsealed after it was started."),
    Setting("vault-root-token", kinds.SECRET, "Root token of a Vault; for tests, absent otherwise."),
    Setting("teleport/auth-token", kinds.SECRET, "Token by which nodes join a Teleport cluster."),
    Setting("cke/weight", kinds.WEIGHTS, "Role of a machine to its weight, where a cluster is made of machines."),
)
BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in TABLE}
_BY_NAME: Mapping[str, Setting] = {
    name: setting
    for setting in TABLE
    for name in (setting.key, setting.key.removeprefix(SECTION), *setting.names, *setting.old)
}


def _names(setting: Setting) -> str:
    short = setting.key.removeprefix(SECTION)
    told = [*([short] if short != setting.key else []), *(name for name in setting.names if name != short)]
    return ", ".join(f"`{name}`" for name in told)


def _kind(setting: Setting) -> str:
    among = ", ".join(f"`{one}`" for one in setting.kind.choices)
    return f"one of {among}" if among else f"{setting.kind.name}: `{setting.kind.example}`"


def _default(setting: Setting) -> str:
    return f"`{setting.kind.tell(setting.default)}`" if setting.default else ""


_ABOUT = """# Configuration of the site

Generated by `python -m appserver.core.site_config`. What holds for all boot servers, kept in etcd, changed by
`moorage config set`, the API (`/api/v1/config`), the page Settings, or the Ansible module `moorage.boot.config_key`,
and followed without a restart. Everybody may read it, administrators change it.

    moorage config get                          # all of it: value, and by whom and when it was set
    moorage config set worker-timeout 90m
    moorage config set release-time '0 9 * * 1-4' '0 13 * * 5'
    moorage config set ipmi-password --stdin < password.txt
    moorage config unset proxy                  # its default holds again

A secret is asked for, or read from a file or standard input, and never an argument. It is sealed in etcd and shown as
`***`, as is the password in a URL. In etcd a duration is a decimal number of nanoseconds. `config/worker-timeout` is
read where `config/worker-timeout-duration` is not set, and never written.

| key | also called | kind | default | what it is |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    sys.stdout.write(document())
