"""`docs/config-sources.md`, made from the tables, so that it cannot say anything else than the code does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from image_config.bounds import LIMITS
from image_config.documents import EXTENSIONS
from image_config.kinds import Kind
from image_config.labels import ALLOWED, PREFIX
from image_config.lookup import ORDER
from image_config.model import Path
from image_config.options import EXCLUSIVE, NAMES, OPTIONS, REFUSED, Option
from image_config.reading import TWINS
from image_config.shapes import Map, Record

_HEAD = """\
# Container configuration: where a value comes from

<!-- Made by `python -m image_config docs`; a test keeps it equal to the code. -->

One container is configured by four layers. A stronger layer hides what a weaker one says of the same thing;
`moorage app explain` and `python -m image_config explain` print every value with its source and what it hides.

| | layer | source, as it is printed |
|---|---|---|
| weakest | image labels `arg.*` | `image sha256:9f86d081884c…` |
| | git, in the order below | `3f2c1a:dev/web.yml:4` |
| | the compose file, as Docker Compose renders it | `compose.yaml:12` |
| strongest | form and API | `alice 2026-11-21T10:00:00Z` |

## Files in git
"""

_FILES = """\

- `include:` lists files, relative to the file it stands in. They are read before it, each once, and stay inside the
  repository; a missing file and a circle are refused. In properties: `include=base.yml,logging.yml`.
- `<image>` is the name after the last slash, without tag or digest; without a tag it is `latest`.
- A file that is both an image's and a container's (`dev/web`, for image `web` and container `web`) counts once, as the
  image's.
- Two files for one thing (`web.yml` and `web.properties`, `web:1.yml` and `web@1.yml`) are refused.
- Files elsewhere, and what lies in directories whose name begins with a dot, are not read, unless included.
"""

_YAML = """\
### YAML

A mapping of options. Scalars mean what they mean to Docker Compose: only `true` and `false` are booleans, `no` and
`22:22` are text, `0o17` is octal. A number with a leading zero is refused wherever it is not a file mode.
Anchors, aliases and `<<` are read; a key twice, any tag but the two below, a byte order mark, NUL and more than one
document are refused, and so is a file of more than {bytes} bytes, {depth} levels or {nodes} values.

- `!reset` on an option, or on a name within one, removes what weaker layers say: `ports: !reset null`.
- `!override` on an option replaces what weaker layers say instead of joining it: `ports: !override ["80:80"]`.

In JSON (API) the same is `{{"ports": {{"!reset": null}}}}` and `{{"ports": {{"!override": ["80:80"]}}}}`.

### Properties

`option=value`; what is below an option follows a dot: `environment.FOO=v`, `labels.com.example.role=web`,
`healthcheck.interval=30s`, `ulimits.nofile.soft=1024`, `ports.8080=80`. The option, not the look of the value, says
how a value is cut: a list at its commas (`ports=8761:8761,53:53/udp`), a map into `name=value` or `name:value` at its
commas, anything else not at all (`cpusetCpus=0,1`, `restart=on-failure:3`). A list item that holds a comma is written
on a line of its own, with a number: `dns_opt.0=…`.
"""

_RULES = """\
## How layers meet

| kind of option | rule |
|---|---|
| one value, a command, a health check's test | the stronger replaces the weaker |
| map, environment | by name, the stronger wins |
| list | united in order, weaker items first |
| ports | by container port and protocol: the stronger layer's mappings of a port replace the weaker's |
| volumes, tmpfs, devices, secrets, configs | by target |
| record of fields (`healthcheck`, `deploy`, …) | field by field, each by its own rule |

"""

_ENVIRONMENT = """\
## Placement constraints

Entries of the environment that begin with `constraint:` or `affinity:` steer placement and reach no container:
`constraint:storage==ssd`, `constraint:zone!=b`, `constraint:name=~^db`, `affinity:container==front`; `~` before the
value (`constraint:storage==~ssd`) makes a wish of a demand. Haven's `node: n1` is `constraint:node==n1`.

Affinities are of what runs elsewhere in the cluster, as agents have it on record, or has its place kept:
`affinity:container!=db*` by a container's name, `affinity:image==team/web*` by an image as it is run, with its tag or
digest. The application goes as one, once a node suits all its services; a demand that its own containers meet is met.
They are looked at whenever it is placed: by a deployment, a rollback, a drain, after the loss of a node. Nothing is
moved because a neighbour was. Containers' labels are not on record: demands about them are refused. A Swarm cannot be
told of affinities: the plan warns.

So do `node.hostname==NAME` and `node.labels.KEY==VALUE`, or `!=`, of `deploy.placement.constraints`, letter by letter.
`node.role` is told to count in a Swarm alone; what else Swarm knows is refused.

## Text

No value of a layer is interpolated but the compose file's own, by Compose: `${HOME}` in git is text. `$` is doubled
where the result is written for Compose, so that it means itself. A variable without a value (`environment: [FOO]`) is
refused outside the compose file, because Compose would take it from the machine it runs on.
"""

_LABELS = f"""\
## Image labels

Labels are data from strangers. Only `{PREFIX}<name>` is read, written as in properties:
`LABEL {PREFIX}memory=512M {PREFIX}restart=always {PREFIX}ports=8761:8761 {PREFIX}environment.MODE=fast`.
What is not followed is a warning and stops nothing. An image may give these options, by any of their names, and no
other; of the environment no demand on the node, and no label that the engine or this program sets itself:
"""

_OPTIONS = """\
## Options

`x-…` is let through as in Compose. A *privileged* option reaches beyond its container: policy decides who may use it.
"""


def text() -> str:
    return "\n".join((*_lookup(), *_merging(), *_labels(), *_options(), *_refused())) + "\n"


def _lookup() -> Iterator[str]:
    yield _HEAD
    yield f"Looked up weakest first, each as {', '.join(f'`{e}`' for e in EXTENSIONS)}; `:` may be written `@`:\n"
    yield from (f"{number}. `{pattern}`" for number, pattern in enumerate(ORDER, 1))
    yield _FILES
    yield _YAML.format(bytes=LIMITS.bytes, depth=LIMITS.depth, nodes=LIMITS.nodes)


def _merging() -> Iterator[str]:
    yield _RULES
    yield "One option with two places in Compose counts once, and is written where the compose file wrote it:\n"
    yield from (f"- `{_dotted(place)}` is `{_dotted(option)}`" for place, option in TWINS.items())
    yield "\nOptions that exclude each other: either side, from a stronger layer, takes the weaker other side away:\n"
    seen: set[frozenset[Path]] = set()
    for one, other in EXCLUSIVE:
        if (both := frozenset((*one, *other))) not in seen:
            seen.add(both)
            yield f"- {_listed(_dotted(p) for p in one)} and {_listed(_dotted(p) for p in other)}"
    yield "- a stronger `logging.driver` takes away the `logging.options` of another driver\n"
    yield _ENVIRONMENT


def _labels() -> Iterator[str]:
    yield _LABELS
    yield f"{_listed(_dotted(path) for path in ALLOWED)}\n"


def _options() -> Iterator[str]:
    yield _OPTIONS
    yield "| option | other names | value | layers meet | |"
    yield "|---|---|---|---|---|"
    for option in OPTIONS.values():
        kind = option.kind
        yield f"| `{option.name}` | {_other_names(option)} | {_syntax(kind)} | {kind.rule} | {_remarks(option)} |"
    yield "\nFields of records:\n"
    yield "| field | value | layers meet |"
    yield "|---|---|---|"
    for option in OPTIONS.values():
        for path, kind in _fields(option.kind, (option.name,)):
            yield f"| `{_dotted(path)}` | {_syntax(kind)} | {kind.rule} |"


def _refused() -> Iterator[str]:
    yield "\n## Refused, with the reason\n"
    yield "| key | reason |"
    yield "|---|---|"
    yield from (f"| `{name}` | {why} |" for name, why in REFUSED.items())


def _fields(kind: Kind, path: Path) -> Iterator[tuple[Path, Kind]]:
    if isinstance(kind, Map) and isinstance(kind.of, Record):
        yield from _fields(kind.of, (*path, "<name>"))
    elif isinstance(kind, Record):
        for name, field in kind.fields.items():
            if isinstance(field, Record):
                yield from _fields(field, (*path, name))
            else:
                yield (*path, name), field


def _other_names(option: Option) -> str:
    names = [
        f"`{name}` ({known.origin}{f': {_syntax(known.kind)}' if known.kind is not option.kind else ''})"
        for name, known in NAMES.items()
        if known.path[0] == option.name and name != option.name
    ]
    return ", ".join(names)


def _syntax(kind: Kind) -> str:
    return "fields below" if isinstance(kind, Record) else kind.syntax


def _remarks(option: Option) -> str:
    remarks = ["privileged"] if option.privileged else []
    if option.compose_only:
        remarks.append(f"compose file only: {option.compose_only}")
    return "; ".join(remarks)


def _dotted(path: Path) -> str:
    return ".".join(path)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
