"""`ports.TaggedRepo`: a bare repository whose tags are releases, their trees, and who signed them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from appserver.adapters.git_objects import blobs, listing
from appserver.adapters.git_process import run
from appserver.core import release_tree
from appserver.core.refs import TAGS, check_commit
from appserver.errors import Invalid, InvalidMany, RepoError
from appserver.ports.repositories import Tag

_GOOD = re.compile(r'^Good "git" signature for (\S+) with ', re.MULTILINE)
_HEAD = re.compile(r"object (?P<commit>[0-9a-f]{40})\ntype commit\ntag (?P<name>.*)\n")
_FORMAT = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)"
_MARK = "-----BEGIN SSH SIGNATURE-----"
_SIGN = "sign it as docs/releases.md says (git tag -s with gpg.format=ssh)"


class TaggedRepository:
    def __init__(self, path: Path) -> None:
        self.path = path

    def tags(self) -> Mapping[str, Tag]:
        if not self.path.is_dir():
            return {}
        told = run(self.path, ["for-each-ref", f"--format={_FORMAT}", TAGS]).stdout
        found = {}
        for line in told.decode(errors="surrogateescape").splitlines():
            ref, kind, id_, of_kind, of = line.split("\0")
            commit = id_ if kind == "commit" else of if of_kind == "commit" else ""
            if commit:
                found[ref.removeprefix(TAGS)] = Tag(id_, commit)
        return found

    def tag(self, name: str, id_: str, environment: Mapping[str, str] | None = None) -> Tag:
        kind = run(self.path, ["cat-file", "-t", check_commit(id_)], extra=environment).stdout.decode().strip()
        if kind == "commit":
            return Tag(id_, id_)
        if kind != "tag":
            raise Invalid(name, f"is to lead to a commit, not to a {kind}")
        found = _HEAD.match(self._text(id_, environment))
        if found is None:
            raise Invalid(name, "is to lead to a commit at once, not by another tag")
        if found["name"] != name:
            # Else what was signed as an old release could be given out as a new one.
            raise Invalid(name, f"was made as {found['name'][:80]!r}: a tag keeps its name, which is signed with it")
        return Tag(id_, found["commit"])

    def tree(self, commit: str, environment: Mapping[str, str] | None = None) -> Mapping[str, str]:
        entries = listing(self.path, check_commit(commit), release_tree.MAX_FILES, environment)
        if faults := release_tree.faults(entries):
            raise InvalidMany(faults)
        held = blobs(self.path, list(dict.fromkeys(entry.id for entry in entries)), environment)
        found, bad = release_tree.texts([(entry.path.decode(), held[entry.id]) for entry in entries])
        if bad:
            raise InvalidMany(bad)
        return found

    def signer(self, name: str, tag: Tag, signers: str, environment: Mapping[str, str] | None = None) -> str:
        if tag.id == tag.commit:
            raise Invalid(name, f"is not signed, it is a plain tag: {_SIGN}")
        if _MARK not in self._text(tag.id, environment):
            raise Invalid(name, f"is not signed by an SSH key: {_SIGN}")
        with tempfile.TemporaryDirectory(prefix="moorage-signers-") as place:
            allowed = Path(place) / "allowed_signers"
            allowed.touch(mode=0o600)
            allowed.write_text(signers + "\n", encoding="utf-8")
            words = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-tag", tag.id]
            done = run(self.path, words, extra=environment, allowed=(0, 1, 128))
        said = done.stderr.decode(errors="replace")
        if "ssh-keygen" in said and ("cannot run" in said or "No such file" in said):
            raise RepoError("OpenSSH is not installed on the app server: apt-get install openssh-client")
        good = _GOOD.search(said)
        if done.returncode or good is None:
            raise Invalid(name, "is not signed by anybody whom config/release-signers names")
        return good[1][:200]

    def _text(self, id_: str, environment: Mapping[str, str] | None) -> str:
        return run(self.path, ["cat-file", "tag", id_], extra=environment).stdout.decode(errors="replace")
