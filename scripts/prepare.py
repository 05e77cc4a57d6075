"""Makes an installation's collections, indexes and validators, once, before anything serves. Safe to repeat.

    python -m scripts.prepare                       the stores that the environment names
    python -m scripts.prepare --seed secrets.json   the demo org too, with the API keys of that file
    python -m scripts.prepare --primary 27017       make the mongod on this loopback port a replica set of one first

Exit code 0, or 1 after a sentence on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pymongo.errors import PyMongoError

from models.errors import Refusal
from services import build_services
from services.ledger.store import GridChanged
from services.observability import configure_logging
from services.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="prepare", description="Make the collections and indexes of an installation.")
    parser.add_argument("--seed", type=Path, metavar="FILE", help='add the demo org; FILE holds {"keys": {role: key}}')
    parser.add_argument("--primary", type=int, metavar="PORT", help="initiate the private mongod on this port first")
    options = parser.parse_args(arguments)
    try:
        _prepare(options.seed, options.primary)
    except ValidationError as error:
        return _fail("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_input=False)))
    except GridChanged as error:
        return _fail(error.advice)
    except (Refusal, PyMongoError, TimeoutError, OSError) as error:
        cause = str(error.__cause__ or error).partition(" (configured timeouts")[0]
        return _fail(f"The stores could not be prepared: {cause[:300]}. Are REDIS_URL and MONGO_URL right?")
    return 0


def _prepare(seed_file: Path | None, primary_port: int | None) -> None:
    settings = Settings()
    configure_logging(settings.log_level)
    if primary_port is not None:
        from scripts.dev_server.replica_set import make_primary  # noqa: PLC0415  # not part of the image, where nobody asks

        make_primary(primary_port)
    services = build_services(settings, background=True)
    services.prepare()
    if seed_file is not None:
        from scripts.dev_server.seed import seed  # noqa: PLC0415  # not part of the image either

        seed(services, json.loads(seed_file.read_text(encoding="utf-8"))["keys"])


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
