"""Fixtures that every level of tests shares. Each lives with its part of the lab."""

pytest_plugins = ["tests.lab.etcd", "tests.lab.kv", "tests.lab.processes", "tests.lab.served"]
