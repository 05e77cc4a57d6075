"""Makes the collections, indexes and validators of an installation before it serves. Safe to repeat.

    python -m scripts.prepare                   prepare the stores that the environment names
    python -m scripts.prepare --demo            add the demo org; keys and passwords follow from HOLDFAST_SECRET
    python -m scripts.prepare --demo --keys     print the keys and the people of the demo org as JSON too
    python -m scripts.prepare --primary         first make the private mongod of MONGO_URL a one-node replica set

Exit status 0, or 1 after a sentence on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from pydantic import ValidationError
from pymongo.errors import PyMongoError

from models.errors import Refusal
from scripts.dev_server.demo_data import ORG, demo_keys, demo_people
from scripts.dev_server.seed import seed
from services import build_services
from services.ledger.outcomes import GridChanged
from services.observability import configure_logging
from services.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="prepare", description="Make the collections and indexes of an installation.")
    parser.add_argument("--demo", action="store_true", help="add the demo org")
    parser.add_argument("--keys", action="store_true", help="print the API keys and people of the demo org")
    parser.add_argument("--primary", action="store_true", help="first initiate the private mongod of MONGO_URL")
    options = parser.parse_args(arguments)
    try:
        _prepare(options)
    except ValidationError as error:
        return _fail("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_input=False)))
    except GridChanged as error:
        return _fail(error.advice)
    except (Refusal, PyMongoError, TimeoutError, OSError) as error:
        cause = str(error.__cause__ or error).partition(" (configured timeouts")[0]
        return _fail(f"The stores could not be prepared: {cause[:300]}. Are REDIS_URL and MONGO_URL right?")
    return 0


def _prepare(options: argparse.Namespace) -> None:
    settings = Settings()
    configure_logging(settings.log_level)
    if options.primary:
        from scripts.dev_server.replica_set import make_primary  # noqa: PLC0415  # the image does not contain it

        make_primary(settings.mongo_url)
    services = build_services(settings, background=True)
    services.prepare()
    secret = settings.secret.get_secret_value()
    keys, people = demo_keys(secret), demo_people(secret)
    if options.demo:
        seed(services, keys, people)
    services.messages.begin()
    if options.keys:
        print(json.dumps({"org": ORG, "keys": keys, "people": people}, indent=2, ensure_ascii=False))


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
