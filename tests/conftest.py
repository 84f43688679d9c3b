"""Fixtures that every level of tests shares. Each lives with its part of the lab; what others import comes first."""

from hypothesis import settings

settings.register_profile("repeat", derandomize=True)
"""The same examples in each run: what fails was changed. `./check night` looks for new ones."""

pytest_plugins = [
    "tests.lab.etcd",
    "tests.lab.kv",
    "tests.lab.images",
    "tests.lab.processes",
    "tests.lab.served",
    "tests.lab.engine",
    "tests.lab.agents",
    "tests.lab.bmc",
    "tests.lab.forge",
    "tests.lab.theatre",
    "tests.lab.site",
]
