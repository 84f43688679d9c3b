"""An image's labels as the weakest layer. They are data from strangers.

Only labels that begin with `arg.` are read, and of those only the options below: what an image may ask
for itself without reaching another container, the host, or a command. What is not followed is told, and
stops nothing: an image whose author wrote nonsense still runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from image_config.environment import is_constraint, is_soft
from image_config.errors import ConfigError, plain
from image_config.model import Layer, Notice, Path, Source, Value
from image_config.reader import kind_named, layer_of, read_options, tree_of
from image_config.reading import Found, Reading

PREFIX = "arg."
MOST_LABELS = 256
MOST_VALUES = 512
MOST_NOTICES = 64
LONGEST_KEY = 256
LONGEST_VALUE = 4096

_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.", "moorage.")

Check = Callable[[Path, Value], str]
"""Why a value below an allowed option is not taken; empty when it is."""


def from_labels(labels: Mapping[str, str], *, image: str, digest: str) -> Layer:
    """Never raises: a label that is not followed is in the layer's warnings, with the reason."""
    source = Source("image", image=image, digest=digest)
    found: dict[Path, Found] = {}
    notices: list[Notice] = []
    mine = sorted(str(key) for key in labels if str(key).startswith(PREFIX))
    for key in mine[:MOST_LABELS]:
        for why in _read(key, labels[key], found):
            notices.append(Notice(plain(key), plain(why, 300), source))
    if len(mine) > MOST_LABELS:
        notices.append(Notice(f"{PREFIX}…", f"only the first {MOST_LABELS} labels are read", source))
    if len(notices) > MOST_NOTICES:
        dropped = len(notices) - MOST_NOTICES
        notices[MOST_NOTICES:] = [Notice(f"{PREFIX}…", f"{dropped} more labels are not followed", source)]
    layer = layer_of(source, found.values(), (), lambda path, line: source)
    return Layer(source, layer.entries, (), tuple(notices))


def _read(key: str, text: object, found: dict[Path, Found]) -> list[str]:
    """Add what one label gives; the reasons for what it does not."""
    if len(key) > LONGEST_KEY:
        return [f"has more than {LONGEST_KEY} characters"]
    if not isinstance(text, str):
        return ["has a value that is not text"]
    if len(text) > LONGEST_VALUE:
        return [f"has a value of more than {LONGEST_VALUE} characters"]
    into = Reading("", "image")
    read_options(tree_of([(key.removeprefix(PREFIX), text, 0)], into), into)
    reasons = [_reason(fault) for fault in into.faults]
    for each in into.found.values():
        if why := against(each.path, each.value):
            reasons.append(why)
        elif each.path in found:
            reasons.append("gives what another label gives already")
        elif len(found) >= MOST_VALUES:
            reasons.append(f"is one value too many; an image gives at most {MOST_VALUES}")
        else:
            found[each.path] = each
    return reasons


def against(path: Path, value: Value) -> str:
    """Why no image may give this value; empty where it may."""
    for allowed, check in ALLOWED.items():
        if path[: len(allowed)] == allowed:
            return check(path, value) if check else ""
    return "is not for an image to give"


def _reason(fault: ConfigError) -> str:
    """Without a nearest key that would not be followed either."""
    near = kind_named(fault.nearest)
    return fault.reason if near and not against(near[0], "") else fault.why


def _environment(path: Path, value: Value) -> str:
    if is_constraint(path[-1]) and not is_soft(str(value)):
        return "is a demand on the node; an image may only state a wish, with ~"
    return ""


def _label(path: Path, value: Value) -> str:
    return "is a label that the engine or this program sets itself" if path[-1].startswith(_RESERVED) else ""


ALLOWED: Mapping[Path, Check | None] = {
    ("blkio_config", "weight"): None,
    ("cap_drop",): None,
    ("cpu_period",): None,
    ("cpu_quota",): None,
    ("cpu_shares",): None,
    ("cpus",): None,
    ("cpuset",): None,
    ("environment",): _environment,
    ("expose",): None,
    ("healthcheck", "interval"): None,
    ("healthcheck", "retries"): None,
    ("healthcheck", "start_interval"): None,
    ("healthcheck", "start_period"): None,
    ("healthcheck", "timeout"): None,
    ("init",): None,
    ("labels",): _label,
    ("mem_limit",): None,
    ("mem_reservation",): None,
    ("mem_swappiness",): None,
    ("memswap_limit",): None,
    ("pids_limit",): None,
    ("ports",): None,
    ("read_only",): None,
    ("restart",): None,
    ("shm_size",): None,
    ("stop_grace_period",): None,
    ("stop_signal",): None,
}
"""What an image may give, and the check on it."""
