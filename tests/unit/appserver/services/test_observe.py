"""What is observed for a deployment, where images cannot be found out."""

from __future__ import annotations

import pytest

from appserver.core.containers import ImageFacts
from appserver.core.deployment import DeployRequest
from appserver.core.entities import ProjectFiles
from appserver.errors import RegistryError
from appserver.store import keys
from tests.unit.appserver.services.yard import SHOP, OneService, Yard


class NoRegistry(OneService):
    def image(self, reference: str) -> ImageFacts:
        raise RegistryError("registry.example does not answer")


def test_the_registry_is_not_blamed_alone_where_no_node_could_be_asked() -> None:
    """The image may well be on the node, whose agent is away."""
    yard = Yard("n1")
    yard.observer._images._registry = NoRegistry()
    yard.kv.commit({}, {}, [keys.alive("n1")])
    wanted = DeployRequest(SHOP, ProjectFiles("shop", {"compose.yaml": "8080"}))
    with pytest.raises(RegistryError, match=r"\(n1: its agent is away\), and registry.example does not answer"):
        yard.observer.for_request(wanted)
