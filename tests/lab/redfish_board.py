"""A board that speaks Redfish: sushy-tools' emulator, with the accounts it lacks. A process of its own; see `bmc.py`.

    python -m tests.lab.redfish_board FILE

FILE is JSON: `address`, `port`, `cert`, `key`, `state` (a file that outlives the process), `kind` (`post`: accounts
are made by POST; `slots`: sixteen that are there; `idrac`: such slots, and hashes for passwords), `chassis` (the
program that switches the host). How it behaves badly: `refuses` (a text that no password may hold), `lockout` (failed
log-ins after which an account is locked), `forgets` (it takes new passwords and keeps the old ones), `most` (accounts
by POST), `redirects` (a URL).
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import flask
from sushy_tools.emulator.main import app
from sushy_tools.emulator.resources.systems.fakedriver import FakeDriver
from werkzeug.serving import make_server

ACCOUNTS = "/redfish/v1/AccountService/Accounts"
SLOTS = 16
_OPEN = ("/redfish/v1", "/redfish/v1/")
_FIELDS = ("UserName", "RoleId", "Enabled", "Locked")


class Board:
    """Accounts by slot, each with its password, written to a file at every change."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.lock = threading.Lock()
        self.file = Path(config["state"])
        if self.file.exists():
            self.state = json.loads(self.file.read_text())
        else:
            slots = 2 if config["kind"] == "post" else SLOTS
            accounts = {str(n): account("") for n in range(1, slots + 1)}
            accounts["2"] = {**account("admin"), "Password": "secret", "RoleId": "Administrator", "Enabled": True}
            if config["kind"] == "post":
                del accounts["1"]
            self.state = {"accounts": accounts, "failed": {}, "boot": "Disabled", "target": "None", "attributes": {}}
            self.save()

    @property
    def accounts(self) -> dict[str, dict[str, Any]]:
        return self.state["accounts"]

    def save(self) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self.state))
        fresh.replace(self.file)

    def lets_in(self, name: str, password: str) -> bool:
        for one in self.accounts.values():
            if one["UserName"] == name and name and one["Enabled"] and not one["Locked"]:
                if one["Password"] == password:
                    self.state["failed"][name] = 0
                    return True
                self.state["failed"][name] = self.state["failed"].get(name, 0) + 1
                if 0 < self.config.get("lockout", 0) <= self.state["failed"][name]:
                    one["Locked"] = True
                self.save()
        return False

    def change(self, slot: str, wanted: dict[str, Any]) -> str:
        """Why not; what comes before a refused password is done by then, as real boards do."""
        one = self.accounts[slot]
        one.update({name: wanted[name] for name in _FIELDS if name in wanted})
        refused = self.config.get("refuses", "")
        if "Password" in wanted and refused and refused in wanted["Password"]:
            self.save()
            return f"The value '{wanted['Password']}' of Password is too easy to guess."
        if "Password" in wanted and not (self.config.get("forgets") and one["Password"]):
            one["Password"] = wanted["Password"]
        if wanted.get("Locked") is False:
            self.state["failed"][one["UserName"]] = 0
        self.save()
        return ""


def account(name: str) -> dict[str, Any]:
    return {"UserName": name, "Password": "", "RoleId": "ReadOnly", "Enabled": False, "Locked": False}


def fault(why: str, status: int) -> tuple[flask.Response, int]:
    body = {"error": {"code": "Base.1.0.GeneralError", "@Message.ExtendedInfo": [{"Message": why}]}}
    return flask.jsonify(body), status


def told(slot: str, one: dict[str, Any]) -> flask.Response:
    answer = flask.jsonify(
        {"@odata.id": f"{ACCOUNTS}/{slot}", "Id": slot, **{name: one[name] for name in _FIELDS}, "Password": None}
    )
    answer.set_etag(str(binascii.crc32(json.dumps(one).encode())))
    return answer


def serve(config: dict[str, Any]) -> None:
    board = Board(config)
    fixed = config["kind"] != "post"
    app.config["SUSHY_EMULATOR_FAKE_DRIVER"] = True
    app.config["SUSHY_EMULATOR_STATE_DIR"] = str(Path(config["state"]).parent)

    def chassis(*words: str) -> str:
        done = subprocess.run((config["chassis"], "board", "0x20", *words), capture_output=True, text=True, check=True)
        return done.stdout

    FakeDriver.get_power_state = lambda self, system: "On" if "power:1" in chassis("get", "power") else "Off"
    FakeDriver.set_power_state = lambda self, system, state: (
        chassis("set", "reset", "1") if "Restart" in state else chassis("set", "power", "0" if "Off" in state else "1"),
        None,
    )[1]

    @app.before_request
    def known() -> Any:
        if config.get("redirects") and flask.request.path not in _OPEN:
            return flask.redirect(config["redirects"] + flask.request.path, 307)
        if flask.request.path in _OPEN:
            return None
        name, _, password = _basic().partition(":")
        with board.lock:
            let = board.lets_in(name, password)
        return None if let else fault("The log-in failed.", 401)

    @app.after_request
    def linked(answer: flask.Response) -> flask.Response:
        if answer.status_code != 200 or not answer.is_json:
            return answer
        body = answer.get_json()
        if flask.request.path in _OPEN:
            body["AccountService"] = {"@odata.id": "/redfish/v1/AccountService"}
            body |= {"Oem": {"Dell": {}}} if config["kind"] == "idrac" else {}
        elif "PowerState" in body:
            body["Boot"]["BootSourceOverrideEnabled"] = board.state["boot"]
            body["Boot"]["BootSourceOverrideTarget"] = board.state["target"]
        answer.set_data(json.dumps(body))
        return answer

    @app.before_request
    def boots() -> Any:
        wanted = (flask.request.get_json(silent=True) or {}).get("Boot") if flask.request.method == "PATCH" else None
        if wanted is None:
            return None
        with board.lock:
            board.state["boot"] = wanted["BootSourceOverrideEnabled"]
            board.state["target"] = wanted["BootSourceOverrideTarget"]
            board.save()
        return "", 204

    @app.get("/redfish/v1/AccountService")
    def service() -> Any:
        return {"Accounts": {"@odata.id": ACCOUNTS}, "MinPasswordLength": 6, "MaxPasswordLength": 40}

    @app.get(ACCOUNTS)
    def listed() -> Any:
        return {"Members": [{"@odata.id": f"{ACCOUNTS}/{slot}"} for slot in board.accounts]}

    @app.post(ACCOUNTS)
    def made() -> Any:
        if fixed:
            return fault("POST is not supported.", 405)
        if len(board.accounts) >= config.get("most", SLOTS):
            return fault("The maximum number of accounts is reached.", 400)
        wanted = flask.request.get_json()
        with board.lock:
            slot = str(next(n for n in range(2, 99) if str(n) not in board.accounts))
            board.accounts[slot] = account(wanted["UserName"])
            why = board.change(slot, wanted)
        return fault(why, 400) if why else (told(slot, board.accounts[slot]), 201)

    @app.route(f"{ACCOUNTS}/<slot>", methods=["GET", "PATCH", "DELETE"])
    def one(slot: str) -> Any:
        if slot not in board.accounts:
            return fault("There is no such account.", 404)
        if flask.request.method == "GET":
            return told(slot, board.accounts[slot])
        with board.lock:
            if flask.request.method == "DELETE":
                if fixed:
                    return fault("DELETE is not supported.", 405)
                del board.accounts[slot]
                board.save()
                return "", 204
            if flask.request.headers.get("If-Match", "") != told(slot, board.accounts[slot]).headers["ETag"]:
                return fault("Another version was expected.", 412)
            wanted = flask.request.get_json()
            if fixed and not board.accounts[slot]["UserName"]:
                wanted = {**wanted, "Enabled": False}  # boards with slots do so
            why = board.change(slot, wanted)
            if wanted.get("UserName") == "":
                board.accounts[slot] = account("")
                board.save()
        return fault(why, 400) if why else told(slot, board.accounts[slot])

    @app.route("/redfish/v1/Managers/<manager>/Attributes", methods=["GET", "PATCH"])
    def attributes(manager: str) -> Any:
        with board.lock:
            if flask.request.method == "PATCH":
                board.state["attributes"].update(flask.request.get_json()["Attributes"])
                board.save()
            return {"Attributes": board.state["attributes"]}

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config["cert"], config["key"])
    make_server(config["address"], config["port"], app, threaded=True, ssl_context=context).serve_forever()


def _basic() -> str:
    kind, _, told = flask.request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(told).decode() if kind == "Basic" else ""
    except ValueError:
        return ""


if __name__ == "__main__":
    serve(json.loads(Path(sys.argv[1]).read_text()))
