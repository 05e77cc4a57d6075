"""Behind `scripts/server`: starts the whole product on this machine, restarts what dies, and stops all of it."""

from __future__ import annotations

import argparse
import http.client
import os
import resource
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from scripts.dev_server import stores
from scripts.dev_server.child import Child, StartError
from scripts.dev_server.data_folder import MONGOD_KEY, PEOPLE, REDIS_CONFIG, DataFolder, Secrets
from scripts.dev_server.demo_data import ORG, demo_keys, demo_people, example_of_a_hold, sms_token
from scripts.dev_server.supervisor import StopAsked, Supervisor, say

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
PREPARE_SECONDS = 120.0
STORES, SERVICE = 0, 1  # waves: the service stops before its stores


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns the exit status: 0, or 1 after a sentence on stderr."""
    options = _options(arguments)
    stack = DevStack(DataFolder(options.data), port=options.port, workers=options.workers)
    try:
        stack.serve(fresh=options.fresh)
    except StartError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0  # Ctrl-C before the supervisor handles signals: nothing was started yet
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/server", description="Run the whole of Holdfast on this machine.")
    parser.add_argument("--port", type=int, default=8080, help="port of the API; 0 = any free port (%(default)s)")
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="folder for data that are kept (.data)")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn workers (%(default)s)")
    parser.add_argument("--fresh", action="store_true", help="first delete the data, keys and logs of earlier runs")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error("--port must be 0 to 65535")
    if options.workers < 1:
        parser.error("--workers must be at least 1")
    return options


class DevStack:
    """Redis, mongod, gunicorn and the relay over one data folder. REDIS_URL and MONGO_URL replace the first two."""

    def __init__(self, folder: DataFolder, *, port: int, workers: int) -> None:
        """port: of the API; 0 = any free port. workers: gunicorn processes."""
        self.folder = folder
        self.port = port
        self.workers = workers
        self.supervisor = Supervisor(self._note_children)
        self.env = dict(os.environ)
        self.external = {"redis": bool(self.env.get("REDIS_URL")), "mongod": bool(self.env.get("MONGO_URL"))}
        self.pids: dict[str, int | None] = {}
        self.published = False
        self.last_answer = ""

    def serve(self, *, fresh: bool) -> None:
        """Start everything, print the address, and keep it alive until a stop signal. Raises StartError."""
        self.folder.lock()
        self.supervisor.listen()
        for name in self.folder.recover():
            say(f"Stopped a {name} that an earlier server left behind.")
        if fresh:
            self.folder.forget_everything()
        try:
            self._choose_port()
            say(f"Starting. Keys: {self.folder / 'dev.json'}. Logs: {self.folder / 'logs'}. Ctrl-C stops everything.")
            self._start_all()
            self._greet()
            self.supervisor.watch()
        except StopAsked:
            pass
        finally:
            self.supervisor.stop()

    def _greet(self) -> None:
        """Say that it serves, and below that how to make a hold and how to sign in."""
        secret = self.env["HOLDFAST_SECRET"]
        self.folder.write(PEOPLE, {each["email"]: each["password"] for each in demo_people(secret)})
        hold = example_of_a_hold(self._url(), demo_keys(secret)["desk"], datetime.now(UTC).date())
        sign_in = f"# The people who can sign in, with their passwords: cat {quote(str(self.folder / PEOPLE))}"
        print(f"ready {self._url()}\n{hold}\n{sign_in}", flush=True)

    def _choose_port(self) -> None:
        if self.port == 0:
            self.port = stores.free_port()
        elif not stores.port_is_free(self.port):
            raise StartError(
                f"Port {self.port} is in use by another program. Stop it, or choose another with --port (0 = any)."
            )

    def _url(self) -> str:
        return f"http://{stores.HOST}:{self.port}"

    def _metrics_url(self) -> str | None:
        port = self.env["HOLDFAST_METRICS_PORT"]
        return None if port == "0" else f"http://{stores.HOST}:{port}/metrics"

    def _start_all(self) -> None:
        self.folder.prepare()
        _allow_many_files()
        embedded = [name for name, given in self.external.items() if not given]
        ports = self.folder.ports([*embedded, "metrics"])
        secrets = self.folder.secrets()
        self.env.setdefault("HOLDFAST_SECRET", secrets.secret)
        self.env.setdefault("HOLDFAST_PAGE_KEY", demo_keys(self.env["HOLDFAST_SECRET"])["checkout"])
        self.env.setdefault("HOLDFAST_METRICS_PORT", str(ports["metrics"]))
        self.env.setdefault("TWILIO_AUTH_TOKEN", sms_token(self.env["HOLDFAST_SECRET"]))
        self.env.setdefault("HOLDFAST_PUBLIC_URL", self._url())
        self.env |= {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), self.env.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
            "HOLDFAST_WORKERS": str(self.workers),
        }
        # Messages to customers become files, unless a sender is configured.
        self.env.setdefault("HOLDFAST_OUTBOX_FOLDER", str(self.folder / "outbox"))
        self._start_stores(ports, secrets)
        self._prepare_stores()
        self._start_service()

    def _start_stores(self, ports: dict[str, int], secrets: Secrets) -> None:
        """Start the embedded stores, which answer only who knows their passwords."""
        if "mongod" in ports:
            port, data = ports["mongod"], self.folder / "mongod"
            argv = stores.mongod_argv(stores.find_mongod(), port=port, folder=data, key_file=self.folder / MONGOD_KEY)
            self.env["MONGO_URL"] = stores.mongo_url(port, secrets.mongo_password)
            self._start("mongod", argv, wave=STORES)
        if "redis" in ports:
            port, data = ports["redis"], self.folder / "redis"
            argv = stores.redis_argv(stores.find_redis(), port=port, folder=data, config=self.folder / REDIS_CONFIG)
            url = self.env["REDIS_URL"] = stores.redis_url(port, secrets.redis_password)
            redis = self._start("redis", argv, wave=STORES)
            self.supervisor.await_start(redis, lambda: stores.redis_answers(url), seconds=START_SECONDS)

    def _prepare_stores(self) -> None:
        argv = [sys.executable, "-m", "scripts.prepare", "--demo"]
        if not self.external["mongod"]:
            argv.append("--primary")
        self.supervisor.run(self._child("prepare", argv), seconds=PREPARE_SECONDS)

    def _start_service(self) -> None:
        bind = f"{stores.HOST}:{self.port}"
        argv = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "--bind", bind]
        gunicorn = self._start("gunicorn", argv, wave=SERVICE)
        try:
            self.supervisor.await_start(gunicorn, self._is_ready, seconds=START_SECONDS)
        except StartError as error:
            raise StartError(f"{error}\nLast answer of /readyz: {self.last_answer or 'none'}") from error
        # The relay starts last, so that it does not slow down the workers. No request waits for it.
        self._start("relay", [sys.executable, "-m", "scripts.relay"], wave=SERVICE)
        self.published = True
        self._publish()

    def _child(self, name: str, argv: Sequence[str]) -> Child:
        return Child(name, argv, self.folder / "logs" / f"{name}.log", env=self.env, cwd=ROOT)

    def _start(self, name: str, argv: Sequence[str], *, wave: int) -> Child:
        child = self._child(name, argv)
        self.supervisor.start(child, wave=wave)
        return child

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(stores.HOST, self.port, timeout=3)
        try:
            connection.request("GET", "/readyz")
            reply = connection.getresponse()
            self.last_answer = reply.read(2000).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return False
        else:
            return reply.status == http.HTTPStatus.OK
        finally:
            connection.close()

    def _note_children(self, children: Sequence[Child]) -> None:
        self.pids = dict.fromkeys(("gunicorn", "redis", "mongod", "relay")) | {each.name: each.pid for each in children}
        self.folder.remember(children)
        if self.published:
            self._publish()

    def _publish(self) -> None:
        self.folder.write(
            "dev.json",
            {
                "url": self._url(),
                "metrics_url": self._metrics_url(),
                "redis_url": self.env["REDIS_URL"],
                "mongo_url": self.env["MONGO_URL"],
                "mongo_db": self.env.get("HOLDFAST_MONGO_DB") or "holdfast",
                "org": ORG,
                "keys": demo_keys(self.env["HOLDFAST_SECRET"]),
                "pids": self.pids,
            },
        )


def _allow_many_files() -> None:
    """Raise the limit of open files, which Redis and gunicorn inherit: each connection needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
