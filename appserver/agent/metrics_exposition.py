"""The numbers of one node as Prometheus reads them: the host's alone, of which each kind has a bounded number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appserver.core.metrics import FIELDS, Kind, Sample

_LABELS: Mapping[Kind, str] = {"node": "", "disk": "mount", "device": "device", "network": "interface"}
"""What the name of a subject is called. A host has a bounded number of each."""
_ENDINGS = {
    "cores": "_cores",
    "bytes": "_bytes",
    "bytes/s": "_bytes_per_second",
    "1/s": "_per_second",
    "ratio": "_ratio",
    "seconds": "_seconds",
    "number": "",
}


def exposition(sample: Sample | None) -> bytes:
    """What was measured last; without that, nothing."""
    return generate_latest(_Host(sample))


class _Host(Collector):
    def __init__(self, sample: Sample | None) -> None:
        self._sample = sample

    def collect(self) -> Iterator[Metric]:
        if self._sample is None:
            return
        yield GaugeMetricFamily("moorage_host_measured_seconds", "Unix time of this.", value=self._sample.at)
        for kind, label in _LABELS.items():
            part = "" if kind == "node" else f"{kind}_"
            for i, field in enumerate(FIELDS[kind]):
                name = f"moorage_host_{part}{field.name}{_ENDINGS[field.unit]}"
                family = GaugeMetricFamily(
                    name, f"{field.told[0].upper()}{field.told[1:]}.", labels=[label] * bool(label)
                )
                for subject, values in sorted(self._sample.means.items()):
                    if subject.kind == kind and i < len(values) and math.isfinite(values[i]):
                        family.add_metric([subject.name] * bool(label), values[i])
                yield family
