"""Volumes and networks that are another project's by their label, though this project's names lead to them.

`shop` with a volume `db_data` and `shop_db` with a volume `data` both name it `shop_db_data`, and Compose does no more
than warn before it mounts what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from appserver.core.compose import Project

KINDS = ("volumes", "networks")


def of_others(project: Project, owners: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Each in words.

    Args:
        owners: `volumes` and `networks`, each name to the Compose project that it was made for; "" for none.
    """
    own = str(project.get("name"))
    for kind in KINDS:
        for key, given in cast(Mapping[str, Mapping[str, object] | None], project.get(kind) or {}).items():
            name = str((given or {}).get("name") or f"{own}_{key}")
            owner = owners[kind].get(name, "")
            if name.startswith(f"{own}_") and owner not in ("", own) and not (given or {}).get("external"):
                yield f"the {kind.removesuffix('s')} {name} is {owner}'s"
