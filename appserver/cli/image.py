"""`moorage image`: what is known of images."""

from __future__ import annotations

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.cli.usage import print_usage


@click.group(cls=lazy.Group)
def image() -> None:
    """Images, and what their containers use."""


@image.command("usage")
@click.argument("name", required=False, default="", metavar="[IMAGE]")
def usage(name: str) -> None:
    """What containers used in the last weeks: of all images, or of IMAGE.

    Where nobody ran IMAGE with that tag, of its repository with any.
    """
    found = client().items("images", "usage", image=name)
    if lazy.wants_json():
        show.as_json({"items": found})
    elif not found:
        show.note("nothing was measured of it yet" if name else "nothing was measured yet")
    else:
        print_usage([{"image": one["image"], "used": one} for one in found], "image")
