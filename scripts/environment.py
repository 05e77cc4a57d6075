"""Makes a script run with the Python of `.venv`, whichever python3 started it.

Imports only the standard library, because it runs before the packages are there.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
NEEDED = ("pymongo", "redis", "pydantic", "rich")
MAKE = 'source "$1/scripts/bootstrap.sh" && ensure_environment server'


def enter() -> None:
    """Return if this Python has the packages that scripts need. Else make `.venv` and restart the script with it.

    Ends the process with status 2, after a sentence on stderr, if the environment cannot be made.
    """
    if all(importlib.util.find_spec(name) for name in NEEDED):
        return
    if Path(sys.prefix) == PYTHON.parents[1]:
        sys.exit("The folder .venv lacks packages of requirements/server.txt. Remove it and start again.")
    made = subprocess.run(["bash", "-c", MAKE, "bash", str(ROOT)], check=False)
    if made.returncode:
        sys.exit(2)
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606  # the purpose: this script, under another Python
