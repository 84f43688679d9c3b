"""Fixtures that every level of tests shares. Each lives with its part of the lab; what others import comes first."""

import pytest

pytest_plugins = [
    "tests.lab.etcd",
    "tests.lab.kv",
    "tests.lab.images",
    "tests.lab.processes",
    "tests.lab.served",
    "tests.lab.engine",
    "tests.lab.agents",
    "tests.lab.bmc",
    "tests.lab.theatre",
    "tests.lab.site",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A worker of xdist takes whole files, or all files that name one group: they share what is dear to make."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
