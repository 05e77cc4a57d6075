#!/usr/bin/env python3
"""Makes, lists, rotates and revokes the API keys of an org, and makes the org itself.

    scripts/keys.py create acme admin --org-name "Acme Property Care"    the first key, with its org
    scripts/keys.py create acme checkout --name "Web site" --origin https://www.example.com
    scripts/keys.py list acme
    scripts/keys.py rotate acme key_0f3a5c7b9d1e --overlap 86400         a new key; the old one ends a day later
    scripts/keys.py revoke acme key_0f3a5c7b9d1e                         every server refuses it within two seconds

A new key is printed once, alone on stdout, because only its hash is stored. The environment names the store (MONGO_URL,
HOLDFAST_MONGO_DB); with --data it is that of a running scripts/server.

Exit status: 0 success; 1 refused, with a sentence on stderr; 2 the command cannot run.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pydantic import TypeAdapter, ValidationError

from models.access import Role
from models.errors import NotFound, Refusal
from models.faults import faults_of
from models.fields import ID_PATTERN, Name
from models.keys import ApiKey, KeyRequest, RotateRequest
from scripts.sheets.stores import Unusable, add_data_option, described_parser, store_settings
from services.access.api_keys import KEY_ROLES, ApiKeys, ensure_key_indexes
from services.clock import utc_now
from services.stores.connections import connect_mongo


def main(arguments: Sequence[str] | None = None, keys: ApiKeys | None = None) -> int:
    """Runs the command. Returns the exit status. keys: given by tests."""
    options = _parser().parse_args(arguments)
    try:
        options.act(options, keys or _connect(options.data))
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
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    about: str,
    act: Callable[[argparse.Namespace, ApiKeys], None],
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


def _connect(data: Path | None) -> ApiKeys:
    settings, _ = store_settings(data)
    db = connect_mongo(settings.mongo_url, settings.mongo_db, background=True)
    ensure_key_indexes(db)
    return ApiKeys(db, utc_now)


def _create(options: argparse.Namespace, keys: ApiKeys) -> None:
    wanted = KeyRequest(role=options.role, name=options.name, origins=options.origin)
    if options.org_name is not None:
        keys.create_org(options.org, options.org_name)
    elif not keys.org_exists(options.org):
        raise NotFound(f"There is no org {options.org}; give --org-name to make it.")
    made = keys.create_key(options.org, Role(wanted.role), name=wanted.name, origins=wanted.origins or ())
    print(made.key)


def _list(options: argparse.Namespace, keys: ApiKeys) -> None:
    for key in _all(options.org, keys):
        print(f"{key.key_id}  {key.role:<8}  {key.created_at:%Y-%m-%d}  {_state(key):<28}  {key.name or ''}".rstrip())


def _rotate(options: argparse.Namespace, keys: ApiKeys) -> None:
    wanted = RotateRequest(overlap_seconds=options.overlap)
    print(keys.rotate_key(options.org, options.key_id, wanted.overlap_seconds).key)


def _revoke(options: argparse.Namespace, keys: ApiKeys) -> None:
    keys.revoke_key(options.org, options.key_id)


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
