"""Settings of an agent's measurements and conditions: what is out of range is refused with its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.host_metrics import KernelHost
from appserver.errors import Invalid
from appserver.settings import AgentSettings
from appserver.wiring.agent_measures import metering_of, watch_of

HOST = KernelHost()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("metrics_interval_s", -1),
        ("metrics_interval_s", 61),
        ("metrics_hours", 0),
        ("metrics_minute_days", 0),
        ("metrics_days", -5),
        ("metrics_mib", 3),
        ("disk_free_percent", 91),
        ("disk_free_percent", -1),
        ("disk_free_mib", -1),
        ("inodes_free_percent", 100),
        ("memory_free_percent", 100),
        ("clock_apart_ms", 99),
        ("conditions_margin_percent", -1),
    ],
)
def test_a_setting_out_of_range_is_named(setting: str, value: int) -> None:
    """Before the agent begins."""
    more: dict[str, Any] = {setting: value}
    settings = replace(AgentSettings(), **more)
    with pytest.raises(Invalid) as refused:
        _ = metering_of(settings, HOST), watch_of(settings, HOST)
    assert refused.value.where == setting


def test_the_defaults_are_good_and_nothing_may_be_measured(tmp_path: Path) -> None:
    """0 turns measuring off; nothing is written before the first measurement."""
    settings = AgentSettings(state_dir=str(tmp_path))
    metering = metering_of(settings, HOST)
    assert metering and [level.name for level in metering.levels] == ["10s", "1m", "10m"]
    assert watch_of(settings, HOST)
    assert metering_of(replace(settings, metrics_interval_s=0), HOST) is None
    assert list(tmp_path.iterdir()) == []
