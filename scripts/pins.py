"""Checks without a network that every pin has a hash and is what the environment has: `python -m scripts.pins`.

The environment itself is made with `pip install --require-hashes`, so a package of a pinned version has a pinned hash.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"

_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of one version, as a requirements file names it."""

    name: str
    version: str
    is_wanted: bool
    """Whether the pin is for this Python and this machine."""


def faults_of(file: Path) -> list[str]:
    """A sentence for everything that is wrong with the pins of a file."""
    found = list(_pins_or_faults(file))
    pins = [each for each in found if isinstance(each, Pin)]
    faults = [each for each in found if isinstance(each, str)]
    if not found:
        faults.append(f"{file.name} has no pin.")
    return faults + [fault for pin in pins if pin.is_wanted and (fault := _fault_of(pin, file.name))]


def _pins_or_faults(file: Path) -> Iterator[Pin | str]:
    text = re.sub(r"^\s*#.*$", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        named = _HASH.sub("", f" {line}").strip()
        try:
            wanted = Requirement(named)
        except InvalidRequirement:
            yield f"{file.name}: this line is no pin: {named}"
            continue
        exact = re.fullmatch(r"==([^*,]+)", str(wanted.specifier))
        if exact is None:
            yield f"{file.name}: {wanted.name} is not pinned to one version."
        elif not _HASH.search(line):
            yield f"{file.name}: {wanted.name} {exact[1]} has no hash."
        else:
            yield Pin(wanted.name, exact[1], wanted.marker is None or wanted.marker.evaluate())


def _fault_of(pin: Pin, file: str) -> str | None:
    try:
        installed = version(pin.name)
    except PackageNotFoundError:
        return f"{file}: {pin.name} {pin.version} is not installed."
    return (
        None if installed == pin.version else f"{file}: {pin.name} {pin.version} is pinned, {installed} is installed."
    )


def main(folder: Path = REQUIREMENTS) -> int:
    """Prints every fault; returns the exit status: 0 without one."""
    faults = [fault for file in sorted(folder.glob("*.txt")) for fault in faults_of(file)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
