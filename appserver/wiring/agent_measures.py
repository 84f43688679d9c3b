"""Settings to what an agent measures, and judges its node by."""

from __future__ import annotations

from pathlib import Path

from appserver.adapters.etcd_clock import EtcdClocks
from appserver.adapters.host_metrics import KernelHost
from appserver.adapters.metrics_history import MetricFiles
from appserver.adapters.smart import SmartDisks
from appserver.agent.conditions import Watch
from appserver.agent.metrics import Metering
from appserver.core.conditions import Thresholds
from appserver.core.metrics_fold import Level
from appserver.errors import Invalid
from appserver.settings import AgentSettings
from appserver.wiring.store import members_of

_HOUR_S, _DAY_S, _MIB = 3_600, 86_400, 1 << 20
_LEAST_MIB = 4


def watch_of(settings: AgentSettings, host: KernelHost) -> Watch:
    """
    Raises:
        Invalid: a threshold is out of range.
    """
    limits = Thresholds(
        disk_free=_share(settings.disk_free_percent, "disk_free_percent"),
        disk_least=_positive(settings.disk_free_mib, "disk_free_mib", 0) * _MIB,
        inodes_free=_share(settings.inodes_free_percent, "inodes_free_percent"),
        memory_free=_share(settings.memory_free_percent, "memory_free_percent"),
        clock_apart_s=_positive(settings.clock_apart_ms, "clock_apart_ms", 100) / 1_000,
        margin=_share(settings.conditions_margin_percent, "conditions_margin_percent", 1_000),
    )
    return Watch(host, limits, EtcdClocks(*members_of(settings)), SmartDisks(), (settings.state_dir,))


def metering_of(settings: AgentSettings, host: KernelHost) -> Metering | None:
    """None where nothing is to be measured.

    Raises:
        Invalid: a setting is out of range.
    """
    if _positive(settings.metrics_interval_s, "metrics_interval_s", 0) == 0:
        return None
    if settings.metrics_interval_s > 60:
        raise Invalid("metrics_interval_s", "is at most 60, or 0")
    levels = (
        Level("10s", settings.metrics_interval_s, _positive(settings.metrics_hours, "metrics_hours") * _HOUR_S),
        Level("1m", 60, _positive(settings.metrics_minute_days, "metrics_minute_days") * _DAY_S),
        Level("10m", 600, _positive(settings.metrics_days, "metrics_days") * _DAY_S),
    )
    limit = _positive(settings.metrics_mib, "metrics_mib", _LEAST_MIB) * _MIB
    history = MetricFiles(Path(settings.state_dir) / "metrics", levels, limit)
    return Metering(host, history, levels, settings.metrics_interval_s)


def _share(percent: int, where: str, most: int = 90) -> float:
    if not 0 <= percent <= most:
        raise Invalid(where, f"is 0 to {most}")
    return percent / 100


def _positive(number: int, where: str, least: int = 1) -> int:
    if number < least:
        raise Invalid(where, f"is at least {least}")
    return number
