"""One notice on one channel: its message, and whoever takes it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping

from appserver.core import notices as core
from appserver.core.channels import MAIL, SETTINGS, SLACK, SMTP, WEBHOOK, Channels, channels
from appserver.core.notices import Notice
from appserver.core.sendings import Result
from appserver.ports import KV, Sealer
from appserver.ports.notices import Letter, Mails, Post, Posts
from appserver.store.site_config import read, site

_AGENT = "moorage"


class NoticeSender:
    """Goes by the site's configuration as it is at the moment, which `channels` reads."""

    def __init__(self, *, kv: KV, sealer: Sealer, posts: Posts, mails: Mails, cluster: str, host: str) -> None:
        """
        Args:
            cluster: what the site is called in messages.
            host: the app server's, for mail to be from, where nothing else is configured.
        """
        self._kv = kv
        self._sealer = sealer
        self._posts = posts
        self._mails = mails
        self._cluster = cluster
        self._sender = f"moorage@{host or 'localhost'}"

    def channels(self) -> Channels:
        """As configured now.

        Raises:
            StoreError
        """
        return channels(site(*read(self._kv, self._sealer, SETTINGS, origins=False)))

    def send(self, channel: str, notice: Notice, id_: str, to: Channels, ready: Callable[[], None]) -> Result:
        """Once. `ready` is called before the message leaves; what it raises ends the try.

        Args:
            id_: the same for each try of this notice on this channel.
        """
        if channel == "mail":
            return self._mail(notice, id_, to, ready)
        if channel == "slack":
            what = _post(SLACK, to.slack, core.slack(notice, self._cluster), id_, to)
        else:
            what = _post(WEBHOOK, to.webhook, core.webhook(notice, self._cluster, id_), id_, to, to.webhook_secret)
        return self._posts.post(what, ready)

    def _mail(self, notice: Notice, id_: str, to: Channels, ready: Callable[[], None]) -> Result:
        if not to.smtp:
            return Result("again", f"{MAIL} is set, and {SMTP} is not")
        subject, text = core.mail(notice, self._cluster)
        return self._mails.send(Letter(to.smtp, to.sender or self._sender, to.mail, subject, text, id_), ready)


def _post(where: str, url: str, body: Mapping[str, object], id_: str, to: Channels, secret: str = "") -> Post:
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": _AGENT, "Idempotency-Key": id_}
    if secret:
        headers["X-Hub-Signature-256"] = f"sha256={hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()}"
    return Post(where, url, data, headers, to.proxy)
