"""Groups of an inventory beside the lab's own."""

from __future__ import annotations

import json

from tests.lab.boot_lab import Lab


def in_group(lab: Lab, group: str) -> tuple[str, str]:
    """Options by which a playbook has all hosts of the lab, as they are now, in this group too."""
    path = lab.directory / f"{group}.yml"
    hosts = {host.hostname: None for host in lab.hosts}
    path.write_text(json.dumps({"all": {"children": {group: {"hosts": hosts}}}}))
    return "-i", str(path)
