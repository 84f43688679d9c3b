"""B9, where a registry may lead this program: not to itself, not into its network, not by a detour."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
import requests

from appserver.adapters.registry import Registries
from appserver.adapters.registry_session import session
from appserver.core.addresses import outgoing
from appserver.errors import Invalid, RegistryError
from tests.lab.registry import Answer, Stall, standing

INTERNAL = {
    "metadata service": "http://169.254.169.254/latest/meta-data",
    "loopback": "http://127.0.0.1:2379/v2/keys",
    "loopback by name": "http://localhost:2379/",
    "loopback over TLS": "https://127.0.0.1:2379/",
    "loopback, v6": "http://[::1]:2379/",
    "v4 in v6": "https://[::ffff:127.0.0.1]/",
    "private": "https://10.0.0.1/",
    "decimal": "https://2130706433/",
    "octal": "https://0177.0.0.1/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:2379/_x",
}


@pytest.fixture
def stall() -> Iterator[Stall]:
    with standing() as found:
        yield found


@pytest.fixture
def inside() -> Iterator[Stall]:
    """What nobody is to reach."""
    with standing() as found:
        yield found


@pytest.mark.parametrize("url", INTERNAL.values(), ids=INTERNAL.keys())
def test_a_redirect_leads_nowhere_that_could_not_be_asked_directly(stall: Stall, url: str) -> None:
    """Each hop is a request like the first."""
    stall.answers["/v2/bb/manifests/1"] = Answer(status=302, headers={"Location": url})
    with pytest.raises((RegistryError, Invalid)):
        Registries((f"http://{stall.host}",)).image(f"{stall.host}/bb:1")


@pytest.mark.parametrize("header", ["manifest", "blob", "token"])
def test_nothing_inside_hears_of_it(stall: Stall, inside: Stall, header: str) -> None:
    """A redirect of a manifest, of a blob, and the address of a registry's own log-in: none is followed there."""
    reference = stall.image("bb", {})
    there = f"http://{inside.host}/secret"
    (blob,) = [path for path in stall.answers if "/blobs/" in path]
    if header == "token":
        asks = {"WWW-Authenticate": f'Bearer realm="{there}",service="x",scope="repository:bb:pull"'}
        stall.answers["/v2/bb/manifests/1"] = Answer(status=401, headers=asks)
    else:
        path = blob if header == "blob" else "/v2/bb/manifests/1"
        stall.answers[path] = Answer(status=307, headers={"Location": there})
    with pytest.raises((RegistryError, Invalid)):
        Registries((f"http://{stall.host}",)).image(reference)
    assert inside.asked == []


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_registry_that_drips_is_left(stall: Stall, where: Literal["headers", "body"]) -> None:
    """Every byte is in time and the answer never ends: one image has one deadline, whatever is read for it."""
    stall.answers["/v2/bb/manifests/1"] = Answer(drips=where)
    began = time.monotonic()
    with pytest.raises(RegistryError, match=r"did not tell all within 0\.5 s"):
        Registries((f"http://{stall.host}",), limit_s=0.5).image(f"{stall.host}/bb:1")
    assert time.monotonic() - began < 5


def test_redirects_end(stall: Stall) -> None:
    """A circle is an error, after a few."""
    stall.answers["/v2/bb/manifests/1"] = Answer(status=302, headers={"Location": "/v2/bb/manifests/1"})
    with pytest.raises(RegistryError):
        Registries((f"http://{stall.host}",)).image(f"{stall.host}/bb:1")
    assert len(stall.asked) < 10


def _turning(*found: str) -> Callable[[str, int], tuple[str, ...]]:
    """A name that is somewhere else each time it is looked up."""
    left = list(found)
    return lambda host, port: (left.pop(0) if len(left) > 1 else left[0],)


def test_a_name_that_changes_its_mind_is_asked_once(inside: Stall) -> None:
    """The connection goes to the address that was checked: there is no second look-up to lie to."""
    port = inside.host.partition(":")[2]
    told: list[str] = []
    turning = _turning("192.0.2.1", "127.0.0.1")

    def resolve(host: str, port: int) -> tuple[str, ...]:
        told.append(host)
        return turning(host, port)

    rule = outgoing(("192.0.2.0/24",))
    made = session(frozenset(), rule, resolve)
    with pytest.raises(requests.RequestException):
        made.get(f"https://rebind.example:{port}/", timeout=1)
    assert (told, inside.asked) == (["rebind.example"], [])


def test_one_inner_address_among_outer_ones_refuses_all(inside: Stall) -> None:
    """Whichever of them would have been tried first."""
    made = session(frozenset(), outgoing(()), lambda host, port: ("93.184.215.14", "127.0.0.1"))
    with pytest.raises(Invalid, match="loopback"):
        made.get("https://both.example/", timeout=1)


def test_the_environment_sends_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch, stall: Stall, inside: Stall) -> None:
    """A proxy of the environment would be asked without a check."""
    monkeypatch.setenv("HTTP_PROXY", f"http://{inside.host}")
    monkeypatch.setenv("ALL_PROXY", f"http://{inside.host}")
    reference = stall.image("bb", {"a": "b"})
    found = Registries((f"http://{stall.host}",)).image(reference)
    assert found is not None and found.labels == {"a": "b"}
    assert inside.asked == []
