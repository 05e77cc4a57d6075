"""The exit status of a command, and its sentence on stderr when it cannot continue."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable

from models.errors import StoreUnavailable
from scripts.sheets.stores import Unusable
from services.ledger.outcomes import GridChanged
from services.sheets.sheet import Unreadable
from services.transfer.booking_import import NotPrepared

NOT_POSSIBLE = 2
INTERRUPTED = 130


def outcome(work: Callable[[], int], *, afterwards: str) -> int:
    """The status that `work` returns; 2 if it cannot run, 130 after Ctrl-C. afterwards: added to each sentence."""
    status = NOT_POSSIBLE
    try:
        return work()
    except (Unusable, NotPrepared, Unreadable) as refusal:
        sentence = str(refusal)
    except GridChanged as refusal:
        sentence = refusal.advice
    except StoreUnavailable:
        sentence = f"A store did not answer. {afterwards}"
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python reports the broken pipe again
        sentence = f"The reader of the output has stopped. {afterwards}"
    except (OSError, sqlite3.Error) as error:
        sentence = f"Stopped: {error}. {afterwards}"
    except KeyboardInterrupt:
        sentence, status = f"Stopped. {afterwards}", INTERRUPTED
    print(sentence, file=sys.stderr)
    return status
