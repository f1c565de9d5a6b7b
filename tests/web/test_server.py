"""The web server as `bursar run` starts it: answers, survives a database that is gone, and stops at once when told."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from bursar.kernel.errors import Misconfigured
from bursar.project.server import web_command


@pytest.fixture
def serve(tmp_path):
    """Start the server with more settings."""
    started = []

    def start(**environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            bind = f"127.0.0.1:{free.getsockname()[1]}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DATABASE"))}
        own = {"BURSAR_BIND": bind, "BURSAR_WEB_WORKERS": "1", "BURSAR_MODE": "test", "BURSAR_DATA_DIR": str(tmp_path)}
        with (tmp_path / "log").open("wb") as log:
            command = [sys.executable, "-m", "bursar.project.server"]
            process = subprocess.Popen(command, env=clean | own | environment, stderr=log, start_new_session=True)
        started.append(process)
        return Server(process, f"http://{bind}", tmp_path / "log")

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers too
        process.wait()


class Server(NamedTuple):
    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def fetch(self, path):
        """Return status and body, waiting for the server to listen."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.address + path, timeout=30) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)


def test_it_answers_and_stops_at_once_and_cleanly(serve):
    server = serve()
    assert server.fetch("/healthz") == (200, '{"status": "ok"}')
    assert "Bursar" in server.fetch("/")[1]
    assert server.fetch("/static/pages/site.css")[0] == 200
    told = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0
    assert time.monotonic() - told < 20


def test_it_stays_up_and_says_so_while_the_database_is_gone(serve):
    server = serve(DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")
    assert server.fetch("/healthz") == (503, '{"status": "unavailable", "code": "database_gone"}')
    assert server.fetch("/")[0] == 200
    assert server.process.poll() is None


def test_every_line_of_a_file_of_people_arrives(serve, tmp_path):
    def bursar(*arguments):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DATABASE"))}
        own = {"BURSAR_DATA_DIR": str(tmp_path), "BURSAR_MODE": "demo"}
        command = [sys.executable, "-m", "bursar.cli", *arguments, "--json"]
        return json.loads(subprocess.run(command, env=clean | own, check=True, capture_output=True).stdout)

    budget = bursar("demo")["budget"]["uuid"]
    token = bursar("token", "create", "file", "--role", "operator")["token"]
    server = serve(BURSAR_MODE="demo")
    server.fetch("/healthz")
    for kind, text in (
        ("application/x-ndjson", "".join(f'{{"email": "person{number}@example.org"}}\n' for number in range(3000))),
        ("text/csv", "email\n" + "".join(f"person{number}@example.org\n" for number in range(3000))),
    ):
        asked = urllib.request.Request(
            f"{server.address}/v1/plans/file?budget={budget}&content_key=HarvardX%2BPH125.1x",
            text.encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": kind},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert json.load(answer)["rows"]["created"] == 3000


def test_the_command_names_address_and_number_of_processes():
    command = web_command("[::1]:8080", 3)
    assert command[:3] == [sys.executable, "-m", "granian"]
    options = dict(pairwise(command))
    assert (options["--host"], options["--port"], options["--workers"]) == ("::1", "8080", "3")
    with pytest.raises(Misconfigured, match="^BURSAR_BIND "):
        web_command("8080", 3)
