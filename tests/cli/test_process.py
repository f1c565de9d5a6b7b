"""The command as a process of its own: an empty directory, settings, pipes, signals, and databases that are not there."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from tests.processes import clean

pytestmark = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "sqlite").startswith("sqlite"),
    reason="these processes have SQLite files of their own, and run with the other suite",
)

BURSAR = (sys.executable, "-m", "bursar.cli")


@pytest.fixture
def start(tmp_path):
    """Start `bursar` in a directory of its own; what still runs is ended afterwards, children included."""
    started = []

    def call(*arguments, **environment):
        started.append(
            subprocess.Popen(
                [*BURSAR, *arguments],
                cwd=tmp_path,
                env=clean(**environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield call
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def call(start):
    """Run `bursar` to its end and return exit code, standard output and standard error."""

    def run(*arguments, **environment):
        process = start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in out + err
        return process.returncode, out, err

    return run


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A data directory with the demonstration in it, made once."""
    directory = tmp_path_factory.mktemp("demo")
    subprocess.run([*BURSAR, "demo"], cwd=directory, env=clean(), check=True, stdout=subprocess.DEVNULL)
    return directory / "var"


@pytest.fixture
def demo(loaded, tmp_path):
    shutil.copytree(loaded, tmp_path / "var")


def test_help_needs_no_settings_and_leaves_nothing_behind(call, tmp_path):
    code, out, _ = call("fund", "create", "--help", BURSAR_NONSENSE="1")
    assert code == 0
    assert "--deposit" in out
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_tables_is_told_apart_and_then_prepared(call):
    code, out, err = call("customer", "list", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (5, "not_migrated")
    assert "bursar migrate" in err
    assert call("run")[0] == 5
    code, out, _ = call("migrate", "--json")
    assert code == 0
    assert "bursar_people.0001_initial" in json.loads(out)["applied"]
    assert call("customer", "list", "--json")[0] == 0


def test_the_demonstration_loads_into_an_empty_directory(demo, call):
    code, out, _ = call("budget", "list", "--json")
    (budget,) = json.loads(out)["budgets"]
    assert (code, budget["name"], budget["available_cents"]) == (0, "Learning", 4_000_000)


@pytest.mark.parametrize(
    ("environment", "code", "error"),
    [
        ({"BURSAR_NONSENSE": "1"}, 2, "misconfigured"),
        ({"BURSAR_RETRY_LIMIT": "many"}, 2, "misconfigured"),
        ({"DATABASE_URL": "oracle://nowhere"}, 2, "misconfigured"),
        ({"BURSAR_MODE": "production", "BURSAR_CLOCK_OFFSET": "1d"}, 2, "misconfigured"),
        ({"BURSAR_CLOCK_OFFSET": "1d"}, 3, "clock_not_movable"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}, 5, "database_gone"),
    ],
)
def test_settings_and_servers_that_are_wrong_end_every_command(call, environment, code, error):
    ended, out, err = call("customer", "list", "--json", **environment)
    assert (ended, json.loads(out)["error"]["code"]) == (code, error)
    assert err


def test_a_database_file_that_is_none_is_named_as_such(call, tmp_path):
    (tmp_path / "garbage").write_bytes(b"this is no database at all" * 100)
    ended, out, _ = call("customer", "list", "--json", DATABASE_URL=f"sqlite:///{tmp_path}/garbage")
    assert (ended, json.loads(out)["error"]["code"]) == (5, "database_unusable")


@pytest.mark.parametrize("arguments", [("catalog", "list"), ("catalog", "list", "--json")])
def test_a_reader_who_goes_away_is_no_fault(demo, tmp_path, arguments):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*BURSAR, *arguments], cwd=tmp_path, env=clean(), stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_text_is_printed_on_terminals_that_know_no_unicode(demo, call):
    code, out, _ = call("catalog", "list", "--search", "Programaci", PYTHONIOENCODING="ascii")
    assert code == 0
    assert "Programaci\\xf3n" in out
    code, out, _ = call("catalog", "list", "--search", "Programaci", "--json", PYTHONIOENCODING="ascii")
    assert "Programación" in json.loads(out)["courses"][0]["title"]


def heed_the_keyboard():
    """Undo what a shell does to what it starts in the background, and so to this test run: to be deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_stopping_by_keyboard_ends_with_130_and_no_stack(demo, tmp_path):
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [*BURSAR, "user", "create", "ada@acme.example", "--ask-password"],
        cwd=tmp_path,
        env=clean(),
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        preexec_fn=heed_the_keyboard,  # noqa: PLW1509  no thread is running
    )
    shown = b""
    while b"Password:" not in shown:
        shown += os.read(terminal, 1000)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    os.close(end)
    with contextlib.suppress(OSError):
        shown += os.read(terminal, 10_000)
    os.close(terminal)
    assert b"Traceback" not in shown


@pytest.mark.parametrize(("arguments", "number"), [(("clock",), signal.SIGINT), (("worker",), signal.SIGTERM)])
def test_what_goes_on_for_ever_ends_when_told(demo, start, arguments, number):
    process = start(*arguments, BURSAR_TICK_EVERY="1h", BURSAR_LOG_LEVEL="debug")
    while process.poll() is None and not _handles(process.pid, number):
        time.sleep(0.1)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (0, False)


def _handles(pid, number):
    """Tell whether a process has a handler of its own for a signal; Python has one for SIGINT from the start."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    both = 1 << (signal.SIGTERM - 1) | 1 << (number - 1)
    return int(line.split()[1], 16) & both == both


# run


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def children_of(process):
    """Return the processes of the group that `bursar run` leads, itself left out, by what they were started as."""
    found = {}
    for directory in Path("/proc").iterdir():
        try:
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
            command = (directory / "cmdline").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if directory.name != str(process.pid) and fields[2] == str(process.pid) and fields[0] != "Z":
            found[int(directory.name)] = b" ".join(command).decode(errors="replace")
    return found


@pytest.fixture
def serving(demo, start):
    """A running service: its process and address, once it answers."""
    address = free_address()
    process = start("run", BURSAR_BIND=address, BURSAR_WEB_WORKERS="1", BURSAR_TICK_EVERY="1s")
    first = process.stdout.readline()
    assert f"http://{address}" in first
    return process, address


def wait_until_gone(process):
    deadline = time.monotonic() + 60
    while children_of(process):
        assert time.monotonic() < deadline, children_of(process)
        time.sleep(0.1)


def test_run_serves_delivers_and_stops_cleanly(serving, call, tmp_path):
    process, address = serving
    with urllib.request.urlopen(f"http://{address}/healthz", timeout=60) as answer:
        assert json.loads(answer.read()) == {"status": "ok"}
    call("allocate", "--budget", "Learning", "--content", "HarvardX+PH125.1x", "--email", "ada@acme.example")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("var/mail/*/*.eml")):
        assert time.monotonic() < deadline, "nobody delivered the mail"
        time.sleep(0.2)
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert time.monotonic() - told < 30
    wait_until_gone(process)


def test_run_is_stopped_by_the_keyboard_which_tells_all_of_them(serving):
    process, _ = serving
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
    wait_until_gone(process)


def test_a_child_that_dies_stops_everything_with_its_exit_code(serving):
    process, _ = serving
    workers = [pid for pid, command in children_of(process).items() if command.endswith("bursar.cli worker ")]
    os.kill(workers[0], signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGKILL
    assert re.search(r"The worker \d ended", err)
    wait_until_gone(process)


def test_an_address_that_is_taken_is_said_to_be(demo, call):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = call("run", BURSAR_BIND=f"127.0.0.1:{taken.getsockname()[1]}")
    assert code == 5
    assert "address_in_use" in err
