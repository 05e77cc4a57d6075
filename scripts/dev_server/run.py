"""`scripts/server` once its environment is there: the whole product on this machine, started, healed and stopped."""

from __future__ import annotations

import argparse
import http.client
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.dev_server import stores
from scripts.dev_server.child import Child, StartError
from scripts.dev_server.data_folder import DataFolder
from scripts.dev_server.supervisor import StopAsked, Supervisor, say

ROOT = Path(__file__).resolve().parents[2]
ORG = "demo"
START_SECONDS = 60.0
PREPARE_SECONDS = 120.0
STORES, SERVICE = 0, 1  # the service is stopped before its stores


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C. Returns the exit status: 0, or 1 after a sentence on stderr."""
    options = _options(arguments)
    stack = DevStack(DataFolder(options.data), port=options.port, workers=options.workers)
    try:
        stack.serve(fresh=options.fresh)
    except StartError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0  # before the supervisor listens: nothing was started yet
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/server", description="Run the whole of Holdfast on this machine.")
    parser.add_argument("--port", type=int, default=8080, help="where the API listens; 0 = any (%(default)s)")
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="what is kept between runs (.data)")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn workers (%(default)s)")
    parser.add_argument("--fresh", action="store_true", help="forget the data, keys and logs of earlier runs first")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error("--port is 0 to 65535")
    if options.workers < 1:
        parser.error("--workers is at least 1")
    return options


class DevStack:
    """Redis, mongod, gunicorn and the relay over one data folder. Stores named by the environment come first."""

    def __init__(self, folder: DataFolder, *, port: int, workers: int) -> None:
        """port: of the API, 0 = any."""
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
        """Start everything, say so, and keep it alive until told to stop. Raises StartError where it can't."""
        self.folder.lock()
        self.supervisor.listen()
        for name in self.folder.recover():
            say(f"stopped a {name} that an earlier server left behind")
        if fresh:
            self.folder.forget_everything()
        try:
            self._claim_port()
            self._start_all()
            print(f"ready {self._url()}", flush=True)
            say(f"API keys and addresses: {self.folder / 'dev.json'}   logs: {self.folder / 'logs'}   stop: Ctrl-C")
            self.supervisor.watch()
        except StopAsked:
            pass
        finally:
            say("stopping")
            self.supervisor.stop()

    def _claim_port(self) -> None:
        if self.port == 0:
            self.port = stores.free_port()
        elif not stores.port_is_free(self.port):
            raise StartError(f"Port {self.port} is in use by another program: stop it, or choose --port N (0 = any).")

    def _url(self) -> str:
        return f"http://{stores.HOST}:{self.port}"

    def _start_all(self) -> None:
        self.folder.prepare()
        _allow_many_files()
        kept = self.folder.secrets()
        embedded = [name for name, given in self.external.items() if not given]
        ports = self.folder.ports(embedded)
        self.env.setdefault("HOLDFAST_SECRET", kept["secret"])
        self.env |= {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), self.env.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
            "HOLDFAST_WORKERS": str(self.workers),
        }
        self._start_stores(ports)
        self._prepare_stores(ports.get("mongod"))
        self._start_service()

    def _start_stores(self, ports: dict[str, int]) -> None:
        if "mongod" in ports:
            argv = stores.mongod_argv(stores.find_mongod(), port=ports["mongod"], folder=self.folder / "mongod")
            self.env["MONGO_URL"] = stores.mongo_url(ports["mongod"])
            self._start("mongod", argv, wave=STORES)
        if "redis" in ports:
            argv = stores.redis_argv(stores.find_redis(), port=ports["redis"], folder=self.folder / "redis")
            self.env["REDIS_URL"] = stores.redis_url(ports["redis"])
            redis = self._start("redis", argv, wave=STORES)
            self.supervisor.await_start(redis, lambda: stores.redis_answers(ports["redis"]), seconds=START_SECONDS)

    def _prepare_stores(self, mongod_port: int | None) -> None:
        say("making indexes and the demo org")
        argv = [sys.executable, "-m", "scripts.prepare", "--seed", str(self.folder / "secrets.json")]
        if mongod_port is not None:
            argv += ["--primary", str(mongod_port)]
        self.supervisor.run(self._child("prepare", argv), seconds=PREPARE_SECONDS)

    def _start_service(self) -> None:
        bind = f"{stores.HOST}:{self.port}"
        argv = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "--bind", bind]
        gunicorn = self._start("gunicorn", argv, wave=SERVICE)
        try:
            self.supervisor.await_start(gunicorn, self._is_ready, seconds=START_SECONDS)
        except StartError as error:
            raise StartError(f"{error}\n/readyz said: {self.last_answer or 'nothing'}") from error
        # Only now, so that its start does not slow the workers'; nothing that is served waits for it.
        self._start("relay", [sys.executable, "-m", "scripts.relay"], wave=SERVICE)
        self.published = True
        self._publish()

    def _child(self, name: str, argv: Sequence[str]) -> Child:
        return Child(name, argv, self.folder / "logs" / f"{name}.log", env=self.env, cwd=ROOT)

    def _start(self, name: str, argv: Sequence[str], *, wave: int) -> Child:
        child = self._child(name, argv)
        say(f"starting {name}: {Path(argv[0]).name}")
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
                "redis_url": self.env["REDIS_URL"],
                "mongo_url": self.env["MONGO_URL"],
                "mongo_db": self.env.get("HOLDFAST_MONGO_DB") or "holdfast",
                "org": ORG,
                "keys": self.folder.secrets()["keys"],
                "pids": self.pids,
            },
        )


def _allow_many_files() -> None:
    """Redis and gunicorn inherit as many open files as the machine allows: one for each connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
