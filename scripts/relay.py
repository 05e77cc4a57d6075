"""Runs the relay: the background process that finishes the work of dead API workers. Stops on SIGTERM or Ctrl-C.

It reads the same environment as the API. Any number of relays may run at the same time.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


from api.server.metrics_port import serve_beside
from services import build_services
from services.observability import configure_logging


def main() -> int:
    services = build_services(background=True)
    configure_logging(services.settings.log_level)
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: services.relay.stop())
    if services.settings.relay_metrics_port:
        serve_beside(services.settings.relay_metrics_port, services.metrics.registry)
    services.relay.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
