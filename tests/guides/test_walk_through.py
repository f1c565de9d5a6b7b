"""The walk through the API is walked: its commands by bash, against a service of its own, and the answers are those shown."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import clean

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "walk-through.md"
BLOCK = re.compile(r"^```(\w+)( background)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "@@ end of block @@"
PORTS = ("8000", "9000")
LONGEST_SECONDS = 400
NEEDED = [program for program in ("bash", "curl") if shutil.which(program) is None]


def blocks():
    """Return the blocks of the guide: commands, commands that stay, and answers, in order."""
    found = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    return [(f"{kind}{how}", text) for kind, how, text in found]


def script(texts):
    """Return all commands as one script, so that what one sets the next one knows; a mark after each."""
    lines = ["set -o pipefail"]
    for kind, text in texts:
        if kind == "sh background":
            lines.append(f"{{ {text}}} > background.log 2>&1 &")
        elif kind == "sh":
            lines += [text, f"echo; echo '{MARK}'"]
    return "\n".join(lines)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def walk(directory):
    """Run the script in an empty directory and return what each block of commands has said."""
    text, ports = script(blocks()), {port: free_port() for port in PORTS}
    for written, found in ports.items():
        text = text.replace(written, found)
    environment = clean() | {
        "BURSAR_DATA_DIR": str(directory / "var"), "BURSAR_BIND": f"127.0.0.1:{ports['8000']}", "BURSAR_MODE": "demo",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    process = subprocess.Popen(
        ["bash", "-c", text], cwd=directory, env=environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=(directory / "errors.log").open("w"), text=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=LONGEST_SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
    for written, found in ports.items():
        said = said.replace(found, written)
    return said.split(f"\n{MARK}\n")


def fits(shown, told):
    """Tell whether an answer is as shown."""
    if isinstance(shown, dict):
        names = shown.keys() - {"…"}
        whole = "…" in shown or names == told.keys()
        return (
            isinstance(told, dict) and whole and all(name in told and fits(shown[name], told[name]) for name in names)
        )
    if isinstance(shown, list) and isinstance(told, list):
        return len(shown) == len(told) and all(map(fits, shown, told))
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(told, str) and told.startswith(shown[:-1])
    return shown == told


@pytest.mark.skipif(bool(NEEDED), reason=f"THE WALK-THROUGH IS NOT WALKED without {', '.join(NEEDED)}")
def test_every_command_of_the_walk_through_answers_as_it_is_shown(tmp_path):
    said, shown = walk(tmp_path), []
    commands = [index for index, (kind, _) in enumerate(blocks()) if kind == "sh"]
    logs = "".join((tmp_path / name).read_text() for name in ("errors.log", "background.log"))
    assert len(said) == len(commands) + 1, (said[-1], logs)
    for number, index in enumerate(commands):
        if index + 1 < len(blocks()) and blocks()[index + 1][0] == "json":
            command, answer = blocks()[index][1], blocks()[index + 1][1]
            told = json.loads(said[number])
            assert fits(json.loads(answer), told), f"{command}\nsays {json.dumps(told)}\n{logs[-2000:]}"
            shown.append(answer)
    assert len(shown) > 15


def test_an_answer_fits_only_what_is_shown():
    assert fits({"a": "…", "…": "…"}, {"a": "x", "b": 1})
    assert fits([{"a": "whsec_…"}], [{"a": "whsec_1"}])
    for shown, told in (({"a": 1}, {"a": 1, "b": 2}), ({"a": "x…"}, {"a": "y"}), ([1], [1, 2]), ({"a": 1}, {"a": 2})):
        assert not fits(shown, told)
