"""Which installation, and which org of it: the stores that the environment names, or those of a running development
server, which its dev.json names."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from models.fields import ID_PATTERN
from services.settings import StoreSettings
from services.stores.connections import connect_stores
from services.transfer.wiring import Carrying, build_carrying


class Unusable(Exception):
    """There is no such installation or org; the message says what to do."""


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """`--org` and `--data`."""
    parser.add_argument("--org", help="the org's id; with --data it may be left out")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data folder of a running scripts/server (.data); else the environment says where the stores are",
    )


def open_stores(org: str | None, data: Path | None) -> tuple[str, Carrying]:
    """The org's id, and the parts to carry with. Raises Unusable, NotPrepared, StoreUnavailable."""
    settings = StoreSettings()
    if data is not None:
        settings, its_org = _of_server(data)
        org = org or its_org
    if org is None or not re.match(ID_PATTERN, org):
        raise Unusable("Say which org with --org: 1 to 64 of A-Z a-z 0-9 . _ -")
    carrying = build_carrying(connect_stores(settings, background=True))
    if not carrying.catalogue.org_exists(org):
        raise Unusable(f"There is no org {org}; scripts/create_key.py makes one.")
    return org, carrying


def _of_server(data: Path) -> tuple[StoreSettings, str]:
    path = data / "dev.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        given = {name: told[name] for name in ("redis_url", "mongo_url", "mongo_db")}
        return StoreSettings(**given), str(told["org"])
    except (OSError, ValueError, KeyError) as error:
        raise Unusable(f"No running server is known here: {path} cannot be read. Start scripts/server.") from error
