"""The installation and the org to use: the stores in the environment, or those in the dev.json of a running server."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from models.fields import ID_PATTERN
from services.settings import StoreSettings
from services.stores.connections import connect_stores
from services.transfer.wiring import Transfer, build_transfer


class Unusable(Exception):
    """There is no such installation or org. The message says what to do."""


def store_parser(docstring: str) -> argparse.ArgumentParser:
    """A command line with `--org` and `--data`. The docstring of the command is its help."""
    parser = described_parser(docstring)
    parser.add_argument("--org", help="the org's id; optional with --data")
    add_data_option(parser)
    return parser


def described_parser(docstring: str) -> argparse.ArgumentParser:
    """A command line without options, whose help is the docstring of the command."""
    about, _, usage = docstring.partition("\n\n")
    return argparse.ArgumentParser(
        description=about, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """`--data`."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data folder of a running scripts/server (.data); without it, the environment names the stores",
    )


def open_stores(org: str | None, data: Path | None) -> tuple[str, Transfer]:
    """The org's id, and the parts for import and export. Raises Unusable, NotPrepared, StoreUnavailable."""
    settings, its_org = store_settings(data)
    org = org or its_org
    if org is None or not re.fullmatch(ID_PATTERN, org):
        raise Unusable("Give --org as 1 to 64 letters, digits, dots, hyphens or underscores.")
    transfer = build_transfer(connect_stores(settings, background=True))
    if not transfer.catalogue.org_exists(org):
        raise Unusable(f"There is no org {org}; make it with scripts/keys.py.")
    return org, transfer


def store_settings(data: Path | None) -> tuple[StoreSettings, str | None]:
    """The stores that the environment names; with `data` those of a running scripts/server, and its org. Unusable."""
    if data is None:
        return StoreSettings(), None
    path = data / "dev.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        given = {name: found[name] for name in ("redis_url", "mongo_url", "mongo_db")}
        return StoreSettings(**given), str(found["org"])
    except (OSError, ValueError, KeyError) as error:
        raise Unusable(f"{path} cannot be read. Start scripts/server first.") from error
