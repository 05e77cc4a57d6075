"""What needs Node: two linters of the OpenAPI document, and an SDK in TypeScript that holds and books.

`python -m tests.sdk.node` makes the folder `.node` from the lock file in `typescript/`, as `.venv` is made from the
pins. It ends with 1 and the output of the first step that fails. Only `.ci/run` calls it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from tests.system.stack.whole_server import ROOT, WholeServer

SOURCES = Path(__file__).parent / "typescript"
FOLDER = ROOT / ".node"
STAMP = FOLDER / ".lock"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_UPDATE_NOTIFIER": "1"}
"""Nothing is reported to the makers of the linters."""


class StepFailed(Exception):
    """A step found a fault. The message is its output."""


def run(*command: str, **variables: str) -> str:
    """The output of a command in the folder. Raises StepFailed if it does not exit with 0."""
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=os.environ | QUIET | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StepFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def tool(name: str, *arguments: str) -> str:
    """The output of a program of the installed packages."""
    return run(str(FOLDER / "node_modules" / ".bin" / name), *arguments)


def install() -> None:
    """Installs the packages of the lock file, unless that is done already. No package may run a script of its own."""
    locked = sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    FOLDER.mkdir(exist_ok=True)
    for source in SOURCES.iterdir():
        shutil.copy(source, FOLDER)
    if STAMP.exists() and STAMP.read_text() == locked:
        return
    STAMP.unlink(missing_ok=True)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    STAMP.write_text(locked)


def lint() -> None:
    """Both linters find nothing, not even a hint."""
    tool("redocly", "lint", "openapi.json")
    tool("spectral", "lint", "--fail-severity", "hint", "openapi.json")


def compile_sdk() -> None:
    """Makes the types, and compiles what uses them. `without_customer.ts` says which lines must not compile."""
    tool("openapi-typescript", "openapi.json", "--output", "schema.ts")
    tool("tsc", "--project", "tsconfig.json")


def main() -> int:
    """Runs every step over the document of a real server. The exit code: 0 if all of them succeed."""
    start = (datetime.now(UTC) + timedelta(days=20)).strftime("%Y-%m-%dT10:00:00Z")
    try:
        install()
        with (
            tempfile.TemporaryDirectory(prefix="holdfast-node-") as data,
            WholeServer(Path(data) / "data", "--workers", "1") as server,
        ):
            with urllib.request.urlopen(f"{server.dev['url']}/openapi.json", timeout=30) as reply:
                (FOLDER / "openapi.json").write_bytes(reply.read())
            lint()
            compile_sdk()
            print(run("node", "out/book.js", server.dev["url"], server.dev["keys"]["desk"], start).strip())
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    print("The document: redocly and spectral find nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
