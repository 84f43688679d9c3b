"""`moorage config`: container configuration, by itself and where it comes from; and the configuration of the site."""

from __future__ import annotations

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import DEFAULT_CLUSTER, client
from appserver.errors import Invalid

VERBS: lazy.Table = {
    "get": ("appserver.cli.site_config:get", "What the site's configuration says, and who said so."),
    "set": ("appserver.cli.site_config:set_", "Set a key of the site's configuration."),
    "unset": ("appserver.cli.site_config:unset", "Take a key out of the site's configuration."),
    "lint": ("appserver.cli.lint:lint", "Check a directory of configuration offline, as a push would be checked."),
    "clone": ("appserver.cli.clone:clone", "Clone a source that people push to, ready for git push."),
    "source": ("appserver.cli.source:source", "Where configuration comes from: list, show, add, remove, sync."),
}


@click.group(cls=lazy.Group, table=VERBS)
def config() -> None:
    """Configuration of the site (get, set, unset), and of containers: check it, explain it, say where it comes from."""


@config.command()
@click.argument("image")
@click.option("--cluster", default=DEFAULT_CLUSTER, show_default=True, help="Whose own files count too.")
@click.option("--application", default="", help="With --service: the service's own file counts too.")
@click.option("--service", default="", help="With --application: a service of it.")
@click.option("--container", default="", help="Name of one container.")
@click.option("--source", default="config", show_default=True, help="Configuration source.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="As if the image had it: arg.memory=256M.")
def explain(
    image: str,
    cluster: str,
    application: str,
    service: str,
    container: str,
    source: str,
    labels: tuple[str, ...],
) -> None:
    """What a container of IMAGE would be told, and by whom: for an application there is, see `moorage app explain`."""
    body = {
        "image": image,
        "cluster": cluster,
        "application": application,
        "service": service,
        "container": container,
        "source": source,
        "labels": dict(_label(text) for text in labels),
    }
    found = client().post("config", "explain", body=body)
    if lazy.wants_json():
        show.as_json(found)
        return
    for warning in found["warnings"]:
        show.say(f"warning: {warning}", "yellow", err=True)
    if not found["items"]:
        show.note("nothing configures it")
    for entry in found["items"]:
        show.value(entry)
    for constraint in (*found["constraints"], *found["affinities"]):
        show.say(f"placement: {constraint}")


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise Invalid("--label", f"{text!r} is not NAME=VALUE")
    return name, value
