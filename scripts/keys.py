#!/usr/bin/env python3
"""Makes, lists, rotates and revokes the API keys of an org, its people who sign in, and the org itself.

    scripts/keys.py create acme admin --org-name "Acme Property Care"    the first key, with its org
    scripts/keys.py create acme checkout --name "Web site" --origin https://www.example.com
    scripts/keys.py list acme
    scripts/keys.py rotate acme key_0f3a5c7b9d1e --overlap 86400         a new key; the old one ends a day later
    scripts/keys.py revoke acme key_0f3a5c7b9d1e                         every server refuses it within two seconds

    scripts/keys.py user acme dana --name "Dana Smith" --email dana@example.com --role desk
    scripts/keys.py users acme
    scripts/keys.py password acme dana                                   a new one; it ends the sessions of the person
    scripts/keys.py disable acme dana                                    no sign-in until `password` gives a new one

A new key or password is printed once, alone on stdout, because only its hash is stored. With --password-stdin the
password is the first line of stdin instead. The environment names the store (MONGO_URL, HOLDFAST_MONGO_DB); with --data
it is that of a running scripts/server.

Exit status: 0 success; 1 refused, with a sentence on stderr; 2 the command cannot run.
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pydantic import TypeAdapter, ValidationError

from models.access import Role
from models.errors import NotFound, Refusal
from models.faults import faults_of
from models.fields import ID_PATTERN, Name
from models.keys import ApiKey, KeyRequest, RotateRequest
from models.users import User, UserCreate, UserPatch
from scripts.sheets.stores import Unusable, add_data_option, described_parser, store_settings
from services.access.api_keys import KEY_ROLES, ApiKeys, ensure_key_indexes
from services.access.passwords import Passwords
from services.access.people import People, ensure_user_indexes
from services.clock import utc_now
from services.stores.connections import connect_mongo

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Desk(NamedTuple):
    """What the commands act on."""

    keys: ApiKeys
    people: People


def main(arguments: Sequence[str] | None = None, desk: Desk | None = None) -> int:
    """Runs the command. Returns the exit status. desk: given by tests."""
    options = _parser().parse_args(arguments)
    try:
        options.act(options, desk or _connect(options.data))
    except ValidationError as error:
        return _refuse(" ".join(fault.message for fault in faults_of(error)))
    except Refusal as refusal:
        return _refuse(refusal.detail)
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = described_parser(__doc__ or "")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = _command(commands, "create", "make a key", _create)
    create.add_argument("role", choices=sorted(KEY_ROLES), help="the role of the new key")
    create.add_argument("--org-name", type=_name, help="the org's name, to make a new org")
    create.add_argument("--name", help="what the key is for")
    create.add_argument(
        "--origin", action="append", metavar="URL", help="a web page that may use a checkout key; may be repeated"
    )
    _command(commands, "list", "show the org's keys, without the keys themselves", _list)
    rotate = _command(commands, "rotate", "make a key in the place of another", _rotate)
    rotate.add_argument("key_id")
    rotate.add_argument(
        "--overlap", type=int, default=86_400, metavar="SECONDS", help="how long the old key stays valid (a day)"
    )
    _command(commands, "revoke", "end a key", _revoke).add_argument("key_id")
    _add_people(commands)
    return parser


def _add_people(commands: Commands) -> None:
    user = _command(commands, "user", "add a person who signs in", _add_user)
    user.add_argument("user_id", help="the chosen name of the person, which histories show")
    user.add_argument("--name", required=True, help="the name of the person")
    user.add_argument("--email", required=True, help="the e-mail address to sign in with")
    user.add_argument("--role", choices=("desk", "admin"), default="desk", help="what the person may do (desk)")
    password = _command(commands, "password", "give a person a new password", _set_password)
    password.add_argument("user_id")
    for command in (user, password):
        command.add_argument("--password-stdin", action="store_true", help="read the password from stdin")
    _command(commands, "users", "show the people who sign in", _list_users)
    _command(commands, "disable", "let a person sign in no more", _disable).add_argument("user_id")


def _command(
    commands: Commands,
    name: str,
    about: str,
    act: Callable[[argparse.Namespace, Desk], None],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=about, description=about)
    command.add_argument("org", type=_org, help="the org's id")
    add_data_option(command)
    command.set_defaults(act=act)
    return command


def _org(text: str) -> str:
    if not re.fullmatch(ID_PATTERN, text):
        raise argparse.ArgumentTypeError("give 1 to 64 letters, digits, dots, hyphens or underscores")
    return text


def _name(text: str) -> str:
    try:
        return TypeAdapter(Name).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(faults_of(error)[0].message.replace("the body", "a name")) from None


def _connect(data: Path | None) -> Desk:
    settings, _ = store_settings(data)
    db = connect_mongo(settings.mongo_url, settings.mongo_db, background=True)
    ensure_key_indexes(db)
    ensure_user_indexes(db)
    return Desk(ApiKeys(db, utc_now), People(db, Passwords(), utc_now))


def _create(options: argparse.Namespace, desk: Desk) -> None:
    wanted, keys = KeyRequest(role=options.role, name=options.name, origins=options.origin), desk.keys
    if options.org_name is not None:
        keys.create_org(options.org, options.org_name)
    else:
        _require_org(options.org, keys, "give --org-name to make it")
    made = keys.create_key(options.org, Role(wanted.role), name=wanted.name, origins=wanted.origins or ())
    print(made.key)


def _require_org(org: str, keys: ApiKeys, advice: str) -> None:
    if not keys.org_exists(org):
        raise NotFound(f"There is no org {org}; {advice}.")


def _list(options: argparse.Namespace, desk: Desk) -> None:
    for key in _all(options.org, desk.keys):
        print(f"{key.key_id}  {key.role:<8}  {key.created_at:%Y-%m-%d}  {_state(key):<28}  {key.name or ''}".rstrip())


def _rotate(options: argparse.Namespace, desk: Desk) -> None:
    wanted = RotateRequest(overlap_seconds=options.overlap)
    print(desk.keys.rotate_key(options.org, options.key_id, wanted.overlap_seconds).key)


def _revoke(options: argparse.Namespace, desk: Desk) -> None:
    desk.keys.revoke_key(options.org, options.key_id)


def _add_user(options: argparse.Namespace, desk: Desk) -> None:
    _require_org(options.org, desk.keys, "make its first key with create")
    with _password(options) as password:
        given = {name: getattr(options, name) for name in ("name", "email", "role")}
        desk.people.create(options.org, UserCreate(id=options.user_id, password=password, **given))


def _set_password(options: argparse.Namespace, desk: Desk) -> None:
    with _password(options) as password:
        desk.people.change(options.org, options.user_id, UserPatch(password=password, status="active"))


def _disable(options: argparse.Namespace, desk: Desk) -> None:
    desk.people.change(options.org, options.user_id, UserPatch(status="disabled"))


def _list_users(options: argparse.Namespace, desk: Desk) -> None:
    cursor: str | None = None
    while True:
        users, cursor = desk.people.page(options.org, cursor=cursor)
        for user in users:
            print(_line(user))
        if cursor is None:
            return


def _line(user: User) -> str:
    return f"{user.id:<20}  {user.role:<5}  {user.status:<8}  {user.email}  {user.name}"


@contextmanager
def _password(options: argparse.Namespace) -> Iterator[str]:
    """The password to set: that of stdin, or a new one, which is printed once it is set."""
    if options.password_stdin:
        yield sys.stdin.readline().rstrip("\r\n")
    else:
        made = secrets.token_urlsafe(12)
        yield made
        print(made)


def _all(org: str, keys: ApiKeys) -> Iterator[ApiKey]:
    found, cursor = keys.list_keys(org)
    yield from found
    while cursor:
        found, cursor = keys.list_keys(org, cursor=cursor)
        yield from found


def _state(key: ApiKey) -> str:
    if key.revoked:
        return "revoked"
    return f"until {key.expires_at:%Y-%m-%dT%H:%M:%SZ}" if key.expires_at else "in use"


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
