"""Log-in, users and tokens."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, jsonify

from appserver.core.access import Caller, Token, User
from appserver.web import forms, queries, shapes, shapes_record
from appserver.web.api import api, described
from appserver.web.context import address, caller, services, settings


@api.post("/login")
@described("access", created=shapes_record.NewToken)
def login(json: forms.LoginBody) -> Response:
    """A token for a name and its password. For programs: browsers have sessions."""
    access, lasts = services().access, timedelta(days=json.expires_in_days)
    user = access.by_password(json.username, json.password, address())
    known = Caller(user.name, user.role, address(), "password")
    return forms.one(_new(*access.tokens.create(known, json.title, None, lasts)), status=201)


@api.get("/me")
@described("access", ok=shapes_record.Me)
def me() -> Response:
    """Who you are here: `role` is that of your token."""
    known = caller()
    return jsonify({"name": known.name, "role": known.role, "via": known.via})


@api.post("/me/password")
@described("access", 204)
def set_password(json: forms.PasswordBody) -> Response:
    """Your own. Ends your sessions; tokens live on."""
    services().access.users.set_password(caller(), json.current, json.password)
    return Response(status=204)


@api.get("/users")
@described("access", ok=shapes.Listed[shapes_record.User])
def list_users(query: queries.PageQuery) -> Response:
    """Everybody, for administrators; yourself, for others."""
    found = services().access.users.list(caller())
    return forms.listed(found, query, lambda user: user.name, _user)


@api.post("/users")
@described("access", created=shapes_record.Invitation)
def invite_user(json: forms.InviteBody) -> Response:
    """A one-time link by which somebody makes the account, or gives theirs another password."""
    secret = services().access.users.invite(caller(), json.name, json.role)
    url = f"{settings().url}/setup/{secret}"
    return forms.one({"name": json.name, "role": json.role, "url": url}, status=201)


@api.get("/users/<name>")
@described("access", ok=shapes_record.User)
def show_user(name: str) -> Response:
    """One account."""
    held = services().access.users.show(caller(), name)
    return forms.one(_user(held.record), held.revision)


@api.patch("/users/<name>")
@described("access", ok=shapes_record.User)
def change_user(name: str, json: forms.UserBody) -> Response:
    """Another role; closed, or open again."""
    held = services().access.users.change(caller(), name, json.role, json.disabled, forms.if_match())
    return forms.one(_user(held.record), held.revision)


@api.delete("/users/<name>")
@described("access", 204)
def delete_user(name: str) -> Response:
    """The account with its sessions and tokens."""
    services().access.users.delete(caller(), name, forms.if_match())
    return Response(status=204)


@api.get("/tokens")
@described("access", ok=shapes.Listed[shapes_record.Token])
def list_tokens(query: queries.PageQuery) -> Response:
    """Your own; an administrator's list has everybody's."""
    found = services().access.tokens.list(caller())
    return forms.listed(found, query, lambda token: token.id, _token)


@api.post("/tokens")
@described("access", created=shapes_record.NewToken)
def create_token(json: forms.TokenBody) -> Response:
    """One of your own, with at most your role. Its text is shown this once."""
    lasts = timedelta(days=json.expires_in_days) if json.expires_in_days else None
    made = services().access.tokens.create(caller(), json.title, json.scope, lasts)
    return forms.one(_new(*made), status=201)


@api.delete("/tokens/<token>")
@described("access", 204)
def revoke_token(token: str) -> Response:
    """It, and those that were made with it."""
    services().access.tokens.revoke(caller(), token)
    return Response(status=204)


def _user(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role,
        "disabled": user.disabled,
        "system": user.system,
        "created_at": user.created_at.isoformat(),
    }


def _token(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "user": token.user,
        "scope": token.scope,
        "title": token.title,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }


def _new(token: Token, text: str) -> dict[str, object]:
    return {**_token(token), "token": text}
