"""Lets a script run with the project's own environment, whichever python3 started it.

Only the standard library here: this is what runs before anything else can be imported.
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
    """Goes on in this process if it has what scripts need, else starts the script again with .venv, made if need be.

    Ends the process with status 2 where the environment cannot be made; its sentence is on stderr by then.
    """
    if all(importlib.util.find_spec(name) for name in NEEDED):
        return
    if Path(sys.prefix) == PYTHON.parents[1]:
        sys.exit(".venv lacks what requirements/server.txt names: remove the folder .venv and start again.")
    made = subprocess.run(["bash", "-c", MAKE, "bash", str(ROOT)], check=False)
    if made.returncode:
        sys.exit(2)
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606  # the very point: this script, under another Python
