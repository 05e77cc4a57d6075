"""gunicorn's own lines as JSON, from the first one on.

They are of the start and the end of processes; a worker's lines take the shape of the app's once the app is loaded.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger


class JsonLines(logging.Formatter):
    """One JSON object a line. Before a worker serves, a traceback is the operator's to read and holds no request."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "pid": record.process,
        }
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info).splitlines()
        return json.dumps(line, separators=(",", ":"))


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's `logger_class`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())
