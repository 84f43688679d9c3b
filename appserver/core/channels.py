"""Channels for notices, as the site's configuration names them; and where they may lead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from appserver.core.addresses import Endpoint, Outgoing, endpoint, split_url
from appserver.core.site_config import BY_KEY, Setting, Site
from appserver.core.site_kinds_mail import SMTP_SCHEMES

SLACK, WEBHOOK, MAIL = "config/notification/slack", "config/notification/webhook", "config/notification/mail"
WEBHOOK_SECRET, SENDER, SMTP = f"{WEBHOOK}-secret", f"{MAIL}-sender", "config/notification/smtp"
PROXY = "config/proxy"
SETTINGS: tuple[Setting, ...] = tuple(
    BY_KEY[key] for key in (SLACK, WEBHOOK, WEBHOOK_SECRET, MAIL, SENDER, SMTP, PROXY)
)
_KEY_OF = {"slack": SLACK, "webhook": WEBHOOK, "mail": MAIL}
_PRIVATE = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


@dataclass(frozen=True, slots=True)
class Channels:
    """Holds secrets in the clear: never to be logged or recorded."""

    slack: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    mail: tuple[str, ...] = ()
    sender: str = ""
    smtp: str = field(default="", repr=False)
    proxy: str = field(default="", repr=False)

    @property
    def named(self) -> tuple[str, ...]:
        """Mail without a server is one too: whoever wants it is told what is missing."""
        there = {"slack": self.slack, "webhook": self.webhook, "mail": self.mail}
        return tuple(name for name, value in there.items() if value)


def channels(site: Site) -> Channels:
    return Channels(
        site.text(SLACK),
        site.text(WEBHOOK),
        site.text(WEBHOOK_SECRET),
        site.lines(MAIL),
        site.text(SENDER),
        site.text(SMTP),
        site.text(PROXY),
    )


def setting_of(channel: str) -> str:
    """The key that names it."""
    return _KEY_OF[channel]


def check_reach(key: str, kept: str, rule: Outgoing) -> None:
    """Refuse what we would never call, as soon as it is said; a host that is a name is looked up when it is called.

    Raises:
        Invalid: `where` is the key.
    """
    if key in (SLACK, WEBHOOK):
        endpoint(split_url(kept, key, ("http", "https")), key, rule)
    elif key == SMTP:
        mail_server(kept, rule)


def mail_server(url: str, rule: Outgoing) -> Endpoint:
    """
    Raises:
        Invalid: it may not be called.
    """
    return endpoint(split_url(url, SMTP, SMTP_SCHEMES), SMTP, rule)


def proxy_rule(rule: Outgoing) -> Outgoing:
    """A site's proxy is within the site, as a rule: it may be in any private network, but not on this machine."""
    return replace(rule, allowed=(*rule.allowed, *_PRIVATE))
