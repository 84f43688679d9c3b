"""What app server and agent both stand on: the store, and secrets kept in files."""

from __future__ import annotations

from pathlib import Path

from appserver.adapters.etcd import TLS, Etcd
from appserver.errors import Invalid
from appserver.settings import StoreSettings


def open_store(settings: StoreSettings) -> Etcd:
    """Connects at the first call."""
    members, tls = members_of(settings)
    password = secret(settings.etcd_password_file) if settings.etcd_password_file else None
    return Etcd(members, settings.prefix, tls, settings.etcd_user or None, password)


def members_of(settings: StoreSettings) -> tuple[list[str], TLS | None]:
    """URLs of the members, and the files that prove who is who."""
    tls = None
    if settings.etcd_ca:
        own = (Path(settings.etcd_cert), Path(settings.etcd_key)) if settings.etcd_cert else (None, None)
        tls = TLS(Path(settings.etcd_ca), *own)
    scheme = "https" if tls else "http"
    return [member if "://" in member else f"{scheme}://{member}" for member in settings.etcd_endpoints], tls


def secret(path: str) -> str:
    """The text of a file, without the space around it."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(path, f"cannot be read: {error}") from error
