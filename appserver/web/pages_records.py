"""What happened, and who asked for it."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import render_template, request

from appserver.core import events as buses
from appserver.web.context import caller, services


def events() -> str:
    bus, after = request.args.get("bus", ""), request.args.get("after", "")
    page = services().events.list(caller(), bus, after)
    stream = "/api/v1/events" + (f"?{urlencode({'bus': bus})}" if bus else "")
    named = (*buses.ACTIONS, buses.ERRORS)
    return render_template("events.html", page=page, bus=bus, after=after, buses=named, stream=stream)


def audit() -> str:
    after, user, subject = (request.args.get(name, "").strip() for name in ("after", "user", "subject"))
    page = services().audit.list(caller(), after, user=user, subject=subject)
    return render_template("audit.html", page=page, after=after, user=user, subject=subject)
