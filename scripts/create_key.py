#!/usr/bin/env python3
"""Makes an API key of an org, and the org itself; lists and revokes keys.

    scripts/create_key.py acme admin --name "Acme Property Care"    the first key, with its org
    scripts/create_key.py acme checkout                             one more
    scripts/create_key.py acme --list
    scripts/create_key.py acme --revoke key_0f3a5c7b9d1e

Prints the key once, alone on stdout, because only its hash is stored. The environment names the installation
(MONGO_URL, HOLDFAST_MONGO_DB).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from models.access import Role
from models.errors import Refusal
from models.fields import ID_PATTERN
from services.access.api_keys import KEY_ROLES, ApiKeys
from services.catalogue.reader import ensure_catalogue_indexes
from services.clock import utc_now
from services.settings import StoreSettings
from services.stores.connections import connect_mongo


def main(arguments: Sequence[str] | None = None, keys: ApiKeys | None = None) -> int:
    """Runs the command. Returns the exit status: 0, or 1 after a sentence on stderr. keys: given by tests."""
    options = _parser().parse_args(arguments)
    if not re.match(ID_PATTERN, options.org):
        return _refuse("Give the org's id as 1 to 64 letters, digits, dots, hyphens or underscores.")
    try:
        return _run(options, keys or _connect())
    except Refusal as refusal:
        return _refuse(refusal.detail)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make, list or revoke API keys of an org.")
    parser.add_argument("org", help="the org's id")
    parser.add_argument("role", nargs="?", choices=sorted(KEY_ROLES), help="the role of the new key")
    parser.add_argument("--name", help="the org's name, to make a new org")
    parser.add_argument("--list", action="store_true", help="show the org's keys, without the keys themselves")
    parser.add_argument("--revoke", metavar="KEY_ID", help="revoke a key; every server refuses it within half a minute")
    return parser


def _connect() -> ApiKeys:
    settings = StoreSettings()
    db = connect_mongo(settings.mongo_url, settings.mongo_db, timeout_ms=None)
    ensure_catalogue_indexes(db)
    return ApiKeys(db, utc_now)


def _run(options: argparse.Namespace, keys: ApiKeys) -> int:
    if options.list:
        for key in keys.list_keys(options.org):
            print(f"{key.key_id}  {key.role:<8}  {key.created_at:%Y-%m-%d}  {'revoked' if key.revoked else 'in use'}")
        return 0
    if options.revoke:
        done = keys.revoke_key(options.org, options.revoke)
        return 0 if done else _refuse(f"{options.org} has no key {options.revoke}.")
    if options.role is None:
        return _refuse("Give the role of the key: " + ", ".join(sorted(KEY_ROLES)) + ".")
    if options.name:
        keys.create_org(options.org, options.name)
    elif not keys.org_exists(options.org):
        return _refuse(f"There is no org {options.org}; give --name to make it.")
    print(keys.create_key(options.org, Role(options.role)))
    return 0


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
