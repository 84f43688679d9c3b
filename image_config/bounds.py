"""What a file from a stranger may cost, and what no file may hold, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

from image_config.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost. `nodes` counts every alias as often as it is used."""

    bytes: int = 1 << 20
    depth: int = 64
    nodes: int = 100_000


LIMITS = Limits()


def checked(text: str | bytes, file: str, limits: Limits) -> str:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(raw) > limits.bytes:
        raise ConfigError(file, 0, "", f"is {len(raw)} bytes long; at most {limits.bytes} are read")
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as e:
        raise ConfigError(file, raw.count(b"\n", 0, e.start) + 1, "", "is not UTF-8 text") from e
    if decoded.startswith("\ufeff"):
        raise ConfigError(file, 1, "", "starts with a byte order mark; save it as UTF-8 without one")
    if "\0" in decoded:
        raise ConfigError(file, decoded.count("\n", 0, decoded.index("\0")) + 1, "", "holds a NUL byte")
    return decoded
