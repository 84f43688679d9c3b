"""The files of a source on record: sealed, in parts, and read whole while they change."""

from __future__ import annotations

import base64
import zlib
from typing import cast

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.entities import Source, SourceState
from appserver.core.secrets import MARK
from appserver.errors import RepoError
from appserver.ports import Repositories
from appserver.services.source_files import SourceFiles
from appserver.services.source_records import SourceRecords
from appserver.services.source_trees import SourceTrees
from appserver.store import sources as keys
from appserver.store.codec import encode
from appserver.store.packed import PART
from tests.fakes import START

SEALER = KeySealer(b"k" * 32)
OLD, NEW = "a" * 40, "b" * 40
FILES = {"dev/web.yml": "environment:\n  PASSWORD: hunter2-secret\n"}


def test_no_part_can_be_read_without_the_key():
    """Configuration holds passwords in YAML; whoever reads etcd reads none of them."""
    kv = MemoryKV()
    long = {**FILES, "dev/long.yml": "".join(f"{n * 7919 % 104729:x}" for n in range(400_000))}
    SourceFiles(kv, SEALER).write("config", NEW, long, {})
    parts = [item.value for item in kv.snapshot("sourcefiles/").items.values()]
    assert len(parts) > 1
    assert all(part.startswith(MARK) for part in parts)
    assert max(map(len, parts)) < 2 * PART
    assert SourceFiles(kv, SEALER).read("config", NEW) == long
    with pytest.raises(RepoError):
        SourceFiles(kv, KeySealer(b"x" * 32)).read("config", NEW)


def test_parts_of_an_older_version_are_read_and_sealed_in_their_place():
    kv = MemoryKV()
    clear = base64.b64encode(zlib.compress(encode(FILES).encode())).decode()
    kv.commit({}, {keys.source_part("config", OLD, 0): clear})
    files = SourceFiles(kv, SEALER)
    assert files.read("config", OLD) == FILES
    assert files.seal() == 1
    assert files.seal() == 0
    assert files.read("config", OLD) == FILES
    assert kv.snapshot("sourcefiles/").items[keys.source_part("config", OLD, 0)].value.startswith(MARK)


class Moves(MemoryKV):
    """A store in which another commit comes into force just before files are read."""

    moved = False

    def snapshot(self, *prefixes: str):  # type: ignore[no-untyped-def]
        if not self.moved and prefixes[0].startswith("sourcefiles/"):
            self.moved = True
            self.commit({}, {keys.sourcestate("config"): encode(SourceState(commit=NEW))})
            files = SourceFiles(self, SEALER)
            files.write("config", NEW, FILES, {})
            files.drop("config", but=NEW)
        return super().snapshot(*prefixes)


def test_a_commit_that_comes_into_force_while_the_former_is_read_is_read_instead():
    kv = Moves()
    kv.commit({}, {keys.source("config"): encode(Source("config", "hosted", created_at=START))})
    kv.commit({}, {keys.sourcestate("config"): encode(SourceState(commit=OLD))})
    trees = SourceTrees(kv=kv, records=SourceRecords(kv), repositories=cast(Repositories, None), sealer=SEALER)
    assert trees.current("config").commit == NEW


def test_files_that_are_not_there_at_all_are_told():
    kv = MemoryKV()
    kv.commit({}, {keys.source("config"): encode(Source("config", "hosted", created_at=START))})
    kv.commit({}, {keys.sourcestate("config"): encode(SourceState(commit=OLD))})
    trees = SourceTrees(kv=kv, records=SourceRecords(kv), repositories=cast(Repositories, None), sealer=SEALER)
    with pytest.raises(RepoError):
        trees.current("config")
