"""Where releases are: the repository that is hosted here, or the mirror of one elsewhere, as the site says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from appserver.core.release import HOSTED, Release
from appserver.core.release_lint import examined
from appserver.core.release_refs import BRANCH, PREFIXES, REPOSITORY
from appserver.core.release_versions import tagged
from appserver.core.site_config import Site
from appserver.errors import Invalid
from appserver.ports import Remote, Repositories
from appserver.ports.repositories import Tag, TaggedRepo

_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
"""Of its first commit."""

README = """\
# Releases

A tag of this repository is a release of what the boot servers run: `test-YYYY.MM.DD-ID`, and once it is proven
`release-…` and `prod-…` on the same commit. Its commit has a `release.yml` and the playbooks that this names;
docs/releases.md says what may stand there. A tag whose release has faults is refused at the push.

    moorage update build . --write      # the next release.yml, with the newest packages and images
    moorage update lint .
    git tag test-2026.11.22-1 && git push origin test-2026.11.22-1
"""


@dataclass(frozen=True, slots=True)
class Examined:
    """A tag that may be a release: read, and signed as the site asks for."""

    tag: str
    commit: str
    release: Release
    files: Mapping[str, str]
    signed_by: str


class ReleasePlace:
    def __init__(self, *, repositories: Repositories, site: Callable[[], Site]) -> None:
        self._repositories = repositories
        self._site = site

    def ensure(self) -> None:
        """The repository that is hosted here is made where it is missing: the same on whichever app server."""
        self._repositories.create(REPOSITORY, BRANCH, {"README.md": README}, "What a release is", _BEGAN)

    def source(self) -> str:
        """`hosted`, or the URL."""
        return self._site().text("config/release-repository") or HOSTED

    def fetch(self) -> None:
        """What is elsewhere is looked at anew.

        Raises:
            Invalid, RepoError
        """
        site = self._site()
        if url := site.text("config/release-repository"):
            ssh = not url.startswith("https://")
            credential = site.text("config/release-repository-key" if ssh else "config/github-token")
            known_hosts = site.text("config/release-known-hosts")
            remote = Remote(url, BRANCH, "", credential, known_hosts)
            self._repositories.fetch_tags(REPOSITORY, remote, PREFIXES)

    def commits(self) -> Mapping[str, str]:
        """Tag to commit, of the releases in the repository that is hosted here."""
        return {name: tag.commit for name, tag in self._hosted().tags().items() if tagged(name)}

    def tags(self) -> Mapping[str, Tag]:
        """Of releases, by name; none before the first look at a repository elsewhere."""
        return {name: tag for name, tag in self.open().tags().items() if tagged(name)}

    def open(self) -> TaggedRepo:
        """The one that releases are taken from."""
        return self._repositories.tagged(REPOSITORY, "remote") if self.source() != HOSTED else self._hosted()

    def examine(self, name: str, id_: str, environment: Mapping[str, str] | None = None) -> Examined:
        """
        Args:
            id_: what the tag names.
            environment: while a push to the repository here is being checked.
        Raises:
            Invalid, InvalidMany: it is no release, with every fault; or nobody signed it who may.
            RepoError
        """
        repository = self._hosted() if environment is not None else self.open()
        version = tagged(name)
        if version is None:
            raise Invalid(name, "is no tag of a release")
        tag = repository.tag(name, id_, environment)
        signers = self._site().text("config/release-signers")
        signed_by = repository.signer(name, tag, signers, environment) if signers else ""
        files = repository.tree(tag.commit, environment)
        return Examined(name, tag.commit, examined(files, str(version[1])), files, signed_by)

    def tidy(self) -> None:
        self._repositories.tidy(REPOSITORY, "hosted" if self.source() == HOSTED else "remote", "")

    def _hosted(self) -> TaggedRepo:
        return self._repositories.tagged(REPOSITORY, "hosted")
