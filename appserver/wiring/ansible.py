"""Settings to where playbooks, inventory and keys are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from appserver.adapters.playbooks_room import Site
from appserver.settings import ServeSettings, StoreSettings

PACKAGE = Path(__file__).parents[1]
SHIPPED = PACKAGE / "ansible"
"""Playbooks and collection of a release; in a checkout they are where their authors edit them."""


def store_of(settings: StoreSettings) -> Mapping[str, object]:
    """How modules of the collection reach the record: the options of `moorage.boot.store`."""
    return {
        "endpoints": list(settings.etcd_endpoints),
        "prefix": settings.prefix,
        **({"ca": settings.etcd_ca} if settings.etcd_ca else {}),
        **({"cert": settings.etcd_cert, "key": settings.etcd_key} if settings.etcd_cert else {}),
    }


def site(settings: ServeSettings) -> Site:
    shipped = SHIPPED if SHIPPED.is_dir() else PACKAGE.parent
    playbooks = Path(settings.playbooks_dir) if settings.playbooks_dir else shipped / "playbooks"
    beside = [playbooks / "collections", playbooks.parent / "collections", shipped / "collections"]
    return Site(
        playbooks=playbooks,
        inventory=settings.inventory,
        collections=(*dict.fromkeys(map(str, beside)), "/usr/share/ansible/collections"),
        store=store_of(settings),
        ssh_key=settings.ssh_key,
        ssh_user=settings.ssh_user,
        known_hosts=settings.ssh_known_hosts,
        rooms=Path(settings.state_dir) / "plays",
    )
