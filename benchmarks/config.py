"""Effective configuration of 10,000 containers from a repository of 1,000 files: the figure, its parts, its memory.

Run: python -m benchmarks.config
"""

from __future__ import annotations

import resource
import statistics
import sys
import time

from image_config import Repository, Target, from_compose, from_labels, resolve

CONTAINERS = 10_000
FILES = 1_000
CLUSTERS = 10
ROUNDS = 7
LIMIT_S = 2.0


def main() -> int:
    read, layered, whole = medians(ROUNDS)
    print(f"files {FILES}  containers {CONTAINERS}  rounds {ROUNDS} (medians)")
    print(f"read and lint every file                  {read:6.2f} s")
    print(f"layers and effective service, git alone   {layered:6.2f} s  (files read anew)")
    print(f"the same with labels and a compose file   {whole:6.2f} s  (files read anew; limit {LIMIT_S} s)")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory of the whole process at its peak   {peak_mib:6.0f} MiB")
    return 0 if whole <= LIMIT_S else 1


def medians(rounds: int) -> tuple[float, float, float]:
    """Seconds to read and lint all files, to resolve all containers from git alone, and with every layer."""
    files, targets = repository(), containers()
    read, layered, whole = zip(*(measure(files, targets) for _ in range(rounds)), strict=True)
    return statistics.median(read), statistics.median(layered), statistics.median(whole)


def measure(files: dict[str, str], targets: list[Target]) -> tuple[float, float, float]:
    started = time.perf_counter()
    faults = Repository(files, "c" * 40).faults()
    assert not faults, faults[0]
    read = time.perf_counter() - started

    started = time.perf_counter()
    git = Repository(files, "c" * 40)
    for target in targets:
        resolve(git.layers(target)).to_compose()
    layered = time.perf_counter() - started

    started = time.perf_counter()
    git = Repository(files, "c" * 40)
    labels = {"arg.memory": "128M", "arg.restart": "always"}
    images = {target.image: from_labels(labels, image=target.image, digest="") for target in targets}
    for target in targets:
        compose = from_compose({"image": target.image, "environment": {"ROLE": "web"}, "networks": {"default": None}})
        service = resolve((images[target.image], *git.layers(target), compose)).to_compose()
        assert service["mem_limit"] == "536870912"
    return read, layered, time.perf_counter() - started


def repository() -> dict[str, str]:
    """Per image one file at the root and one in each cluster, with a shared include; a tenth of it properties."""
    properties = "memory=512M\nenvironment.LEVEL=debug\nhealthcheck.interval=30s\n"
    files = {"base/common.yml": "restart: unless-stopped\nlogging:\n  driver: json-file\n  options: {max-size: 10m}\n"}
    number = 0
    while len(files) < FILES:
        image = f"app{number}"
        files[f"{image}.yml"] = (
            "include: [base/common.yml]\nmemoryLimit: 256M\ncpuShares: 512\n"
            f"environment:\n  APP: {image}\n  LEVEL: info\nlabels: {{team: blue}}\nports: ['{8000 + number}:80']\n"
        )
        for cluster in range(CLUSTERS - 1):
            files[f"c{cluster}/{image}.yml"] = "mem_limit: 512M\nenvironment: [LEVEL=debug, ZONE=a]\n"
        files[f"c{CLUSTERS - 1}/{image}.properties"] = properties
        number += 1
    return dict(list(files.items())[:FILES])


def containers() -> list[Target]:
    images = (FILES - 1) // (CLUSTERS + 1)
    found = []
    for n in range(CONTAINERS):
        image, cluster = f"registry:5000/team/app{n % images}:1.{n % 7}", f"c{n // images % CLUSTERS}"
        found.append(Target(image, cluster, f"shop{n}", "web", f"shop{n}-web-1"))
    return found


if __name__ == "__main__":
    sys.exit(main())
