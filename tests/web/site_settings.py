"""The site's configuration, for the pages: a real service over a store in memory, with a value of every origin."""

from __future__ import annotations

from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.site_config import SiteSettings
from tests.fakes import HandClock
from tests.web import values

SECRET = "hunter2hunter2"


def site_settings() -> SiteSettings:
    kv, clock = MemoryKV(), HandClock(values.NOW)
    made = SiteSettings(
        kv=kv,
        sealer=KeySealer(b"s" * 32),
        audit=Audit(kv=kv, clock=clock),
        events=Events(kv=kv, clock=clock),
        clock=clock,
    )
    ann = Caller("ann", "admin")
    made.set(ann, "slack", "https://hooks.slack.com/services/T0/B0/XX")
    made.set(ann, "proxy", f"http://squid:{SECRET}@squid.example.net:3128")
    made.set(ann, "bmc-user", f'{{"root": {{"password": {{"raw": "{SECRET}"}}}}}}')
    kv.commit({}, {"config/worker-timeout": "7200000000000", "config/check-update-interval": "<script>"})
    return made
