"""A PostgreSQL of Debian's package, started for a test in a folder of its own and stopped after it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCOUNT = "postgres"  # the server refuses to run as root


def _program(name: str) -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    return found[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres() -> Iterator[str]:
    """Give the address of an empty database; skip where PostgreSQL is not installed."""
    control, initdb = _program("pg_ctl"), _program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="spondyl-postgres-", dir="/tmp"))
    data, port = folder / "data", free_port()
    account = {"user": ACCOUNT, "group": ACCOUNT} if os.geteuid() == 0 else {}
    if account:
        shutil.chown(folder, **account)

    def run(*command: object) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}
        subprocess.run([str(part) for part in command], check=True, timeout=120, **quiet, **account)  # type: ignore[call-overload]

    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    try:
        run(initdb, "-D", data, "-U", ACCOUNT, "--auth=trust", "--encoding=UTF8", "--no-sync")
        run(control, "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        yield f"postgresql://{ACCOUNT}@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():
            run(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def restart(data: Path) -> None:
    """Let the server in this data folder die as in a power cut, and start it again."""
    account = {"user": ACCOUNT, "group": ACCOUNT} if os.geteuid() == 0 else {}
    command = [str(_program("pg_ctl")), "-D", str(data), "-w", "-m", "immediate", "restart"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}
    subprocess.run(command, check=True, timeout=120, **quiet, **account)  # type: ignore[call-overload]
