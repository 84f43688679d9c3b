"""The switch of a boot server, by the board that manages its hardware."""

from __future__ import annotations

from typing import Literal

from flask import Response

from appserver.web import forms, shapes_bmc
from appserver.web.api import api, described
from appserver.web.context import caller, services


class PowerBody(forms.Body):
    action: Literal["on", "off", "cycle"]


@api.post("/bootservers/<int:lrn>/power")
@described("bootservers", ok=shapes_bmc.Switched)
def switch_boot_server(lrn: int, json: PowerBody) -> Response:
    """Turn the host on, off (at once, without asking its system), or off and on again."""
    before = services().bmc.power(caller(), lrn, json.action)
    return forms.one({"action": json.action, "before": before})
