"""Modules of the collection: no import finds them, since `collections/` is no package, lest it hide Python's own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

COLLECTIONS = Path(__file__).parents[3] / "collections"
PLUGINS = COLLECTIONS / "ansible_collections/moorage/boot/plugins"
sys.path.append(str(COLLECTIONS))  # they find each other as Ansible lets them


def plugin(path: str) -> ModuleType:
    """The Python module at a path below `plugins/`."""
    name = f"moorage_boot_{Path(path).stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, PLUGINS / path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
