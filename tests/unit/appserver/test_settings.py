"""Settings: file, environment, defaults; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from appserver.errors import Invalid
from appserver.settings import AgentSettings, ServeSettings, address, load


def _write(folder: Path, text: str) -> str:
    path = folder / "serve.toml"
    path.write_text(text)
    return str(path)


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(tmp_path: Path):
    """One look-up order for every setting."""
    path = _write(tmp_path, 'prefix = "/a/"\nthreads = 64\n')
    settings = load(ServeSettings, path, {"MOORAGE_PREFIX": "/b/", "MOORAGE_ETCD_ENDPOINTS": "a:2379, b:2379"})
    assert (settings.prefix, settings.threads, settings.session_hours) == ("/b/", 64, 12)
    assert settings.etcd_endpoints == ("a:2379", "b:2379")


def test_a_map_is_a_table_in_the_file_and_pairs_in_the_environment(tmp_path: Path):
    """Labels of a node can be given either way."""
    path = _write(tmp_path, '[labels]\nstorage = "ssd"\n')
    assert load(AgentSettings, path, {}).labels == {"storage": "ssd"}
    assert load(AgentSettings, path, {"MOORAGE_LABELS": "zone=b,storage=hdd"}).labels == {"zone": "b", "storage": "hdd"}


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ('prefx = "/a/"', "prefx", "did you mean prefix?"),
        ('threads = "many"', "threads", "a whole number"),
        ("threads = true", "threads", "a whole number"),
        ('etcd_endpoints = "a:2379"', "etcd_endpoints", "a list of texts"),
        ("listen = 8080", "listen", "text"),
        ('listen = "8080"', "listen", "is not host:port"),
        ('listen = "x:99999"', "listen", "is not host:port"),
        ("= 1", "serve.toml", "is not TOML"),
    ],
)
def test_what_is_refused_says_where_and_why(tmp_path: Path, text: str, where: str, why: str):
    """A mistake in the file is seen at the start, not as a default that quietly held."""
    with pytest.raises(Invalid, match=why) as refusal:
        load(ServeSettings, _write(tmp_path, text), {})
    assert where in refusal.value.where


def test_a_missing_file_is_named(tmp_path: Path):
    """No file is not an empty one."""
    with pytest.raises(Invalid, match="cannot be read"):
        load(ServeSettings, str(tmp_path / "none.toml"), {})


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (ServeSettings(public_url="https://m.example/"), "https://m.example"),
        (ServeSettings(listen="192.0.2.1:8080"), "http://192.0.2.1:8080"),
        (ServeSettings(listen="192.0.2.1:8443", tls_cert="c", tls_key="k"), "https://192.0.2.1:8443"),
    ],
)
def test_the_url_people_use(settings: ServeSettings, url: str):
    """What links are made of: no slash at the end, the right scheme."""
    assert settings.url == url


def test_an_address_may_be_of_either_kind_of_internet():
    """IPv6 stands in brackets."""
    assert address("[::1]:8080", "listen") == ("::1", 8080)
    assert address(":8080", "listen") == ("", 8080)
