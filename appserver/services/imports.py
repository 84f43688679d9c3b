"""Compose projects that run already: found on a node, taken over without a restart."""

from __future__ import annotations

import posixpath

from appserver.core.access import Caller
from appserver.core.containers import StrayProject
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, Application, ProjectFiles
from appserver.errors import Conflict, Invalid, NotFound
from appserver.ports import KV, Nodes
from appserver.services.access import Access
from appserver.services.deploy import Deploy, Deployed
from appserver.store import keys
from appserver.store.names import check_name
from appserver.store.records import find


class Imports:
    """The agent reads the project's files where its containers say they are; from there it is a deployment."""

    def __init__(self, kv: KV, nodes: Nodes, deploy: Deploy, access: Access) -> None:
        self._kv = kv
        self._nodes = nodes
        self._deploy = deploy
        self._access = access

    def candidates(self, caller: Caller, node: str) -> tuple[StrayProject, ...]:
        self._access.require(caller, "A", f"node:{check_name(node, 'node')}")
        return self._nodes.stray_projects(node)

    def adopt(self, caller: Caller, node: str, project: str, key: AppKey) -> Deployed:
        """
        Raises:
            NotFound: no such project on the node. Conflict: the application exists already.
            Invalid: another name than the project's, or its files could not be read.
        """
        if key.name != project:
            raise Invalid("name", f"a running project keeps its name: {project}")
        where = keys.application(key)
        if find(self._kv.snapshot(where), where, Application):
            raise Conflict(f"{key} exists already")
        found = next((one for one in self.candidates(caller, node) if one.name == project), None)
        if found is None:
            raise NotFound(f"{node} runs no compose project {project} that is not ours already")
        files = _project(found)
        return self._deploy(caller, DeployRequest(key, files, reason=f"adopted from {node}", adopt=node))


def _project(found: StrayProject) -> ProjectFiles:
    if not found.files:
        raise Invalid("project", f"the files of {found.name} cannot be read on its node")
    texts = dict(found.files)
    env = texts.pop(".env", "")
    named = tuple(_relative(path, found.working_dir) for path in found.config_files)
    return ProjectFiles(
        found.name, {_relative(path, found.working_dir): text for path, text in texts.items()}, named, env
    )


def _relative(path: str, directory: str) -> str:
    return posixpath.relpath(path, directory) if posixpath.isabs(path) else path
