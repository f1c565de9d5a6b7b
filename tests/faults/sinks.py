"""A mail server in a process of its own that records what it takes, and fails as its script says.

It takes a mail at the final dot, writes that down, and answers a moment later: what dies in between has left. It writes
two files: events as JSON for the tests, and a log in Postfix's manner, which is what a look-up reads.
"""

import asyncio
import hashlib
import json
import os
import random
import re
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

from tests.faults.figures import size
from tests.faults.killer import Process, until

ANYBODY = "*"
BYTE_SECONDS = size(full=1, short=0.1)
STILL = 3600


@dataclass
class Server:
    """What the process does: `script` says per recipient (or for `*`) what the next tries meet, step by step.

    Steps: `421 mail`, `451 rcpt`, `550 rcpt`, `452 data`, `451 dot`, `554 dot` (a reply at that moment), `reset before
    dot`, `reset after dot` (taken, then no answer), `lost at dot` (not taken, no answer), `silent` (no answer at all to
    the first command), `silent at dot` (taken, never answered), `slow` (answers a byte a second), `take`.
    """

    directory: Path
    script: Mapping[str, Sequence[str]]
    delay: tuple[float, float]
    pace: float
    latency: float
    steps: dict[str, deque[str]] = field(default_factory=dict)
    open: int = 0

    def run(self, listening: socket.socket) -> None:
        self.steps = {to: deque(steps) for to, steps in self.script.items()}
        self.events = os.open(self.directory / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.log = os.open(self.directory / "mail.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        asyncio.run(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        server = await asyncio.start_server(self._session, sock=listening, limit=2**24)
        await server.serve_forever()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self._event("connected", open=self.open)
        session = Session(self, reader, writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await session.talk()
        self.open -= 1
        writer.close()

    def next_step(self, to: str) -> str:
        for name in (to, ANYBODY):
            if self.steps.get(name):
                return self.steps[name].popleft()
        return "take"

    def take(self, sender: str, to: str, data: bytes) -> None:
        """Write down that this mail is ours now."""
        mail = message_from_bytes(data)
        identity, queue = mail["Message-ID"], f"{random.getrandbits(40):010X}"
        self._event("taken", id=identity, to=to, sender=sender, body=digest(data), subject=str(mail["Subject"]))
        stamp = datetime.now(UTC).strftime("%b %e %H:%M:%S")
        lines = [
            f"{stamp} sink postfix/cleanup[7]: {queue}: message-id={identity}",
            f"{stamp} sink postfix/qmgr[7]: {queue}: from=<{sender}>, size={len(data)}, nrcpt=1 (queue active)",
            f"{stamp} sink postfix/local[7]: {queue}: to=<{to}>, relay=local, dsn=2.0.0, status=sent (delivered)",
        ]
        os.write(self.log, "".join(f"{line}\n" for line in lines).encode())

    def met(self, step: str, to: str, data: bytes = b"") -> None:
        mail = message_from_bytes(data)
        self._event("met", step=step, to=to, id=mail["Message-ID"], body=digest(data) if data else "")

    def _event(self, kind: str, **facts: Any) -> None:
        os.write(self.events, (json.dumps({"event": kind, "at": time.monotonic(), **facts}) + "\n").encode())


@dataclass
class Session:
    """One connection, one command after the other."""

    server: Server
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str = ""
    to: str = ""
    step: str = "take"

    async def talk(self) -> None:
        if self.server.steps.get(ANYBODY) and self.server.steps[ANYBODY][0] == "silent":
            self.server.met(self.server.steps[ANYBODY].popleft(), ANYBODY)
            await asyncio.sleep(STILL)
        await self.say("220 sink ESMTP")
        while line := (await self.reader.readline()).decode("utf-8", "replace").strip():
            word, _, rest = line.partition(" ")
            if word.upper() == "QUIT":
                await self.say("221 bye")
                return
            await self.command(word.upper(), rest)

    async def command(self, word: str, rest: str) -> None:
        if word == "EHLO":
            await self.say("250-sink", "250-8BITMIME", "250 SMTPUTF8")
        elif word == "MAIL":
            self.sender = bracketed(rest)
            await self.reply("mail", "250 ok", self.peek(ANYBODY))
        elif word == "RCPT":
            self.to = bracketed(rest)
            self.step = self.server.next_step(self.to)
            await self.reply("rcpt", "250 ok", self.step)
        elif word == "DATA":
            await self.data()
        else:
            await self.say("250 ok")

    def peek(self, name: str) -> str:
        """Return the step that the next mail meets already at MAIL, and use it up."""
        steps = self.server.steps.get(name)
        return steps.popleft() if steps and steps[0].endswith("mail") else "take"

    async def data(self) -> None:
        if self.step == "452 data":
            await self.reply("data", "354 go on", self.step)
            return
        await self.say("354 go on")
        if self.step == "reset before dot":
            await self.reader.readline()
            self.server.met(self.step, self.to)
            self.reset()
        data = await self.reader.readuntil(b"\r\n.\r\n")
        await self.dot(data[:-3].replace(b"\r\n..", b"\r\n."))

    async def dot(self, data: bytes) -> None:
        step = self.step
        if step != "take":
            self.server.met(step, self.to, data)
        if step == "lost at dot":
            self.reset()
        if step.endswith(" dot") and step[:3].isdigit():
            await self.say(f"{step[:3]} as the script says")
            return
        self.server.take(self.sender, self.to, data)
        if step == "reset after dot":
            self.reset()
        if step == "silent at dot":
            await asyncio.sleep(STILL)
        await asyncio.sleep(self.server.pace + random.uniform(*self.server.delay))
        await (self.say_slowly("250 taken") if step == "slow" else self.say("250 taken"))

    async def reply(self, moment: str, usual: str, step: str) -> None:
        """Answer as usual, or as the step wants at this moment."""
        if step.endswith(f" {moment}"):
            self.server.met(step, self.to)
            await self.say(f"{step[:3]} as the script says")
        else:
            await self.say(usual)

    async def say(self, *lines: str) -> None:
        await asyncio.sleep(self.server.latency)
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()

    async def say_slowly(self, line: str) -> None:
        for byte in f"{line}\r\n".encode():
            self.writer.write(bytes([byte]))
            await self.writer.drain()
            await asyncio.sleep(BYTE_SECONDS)

    def reset(self) -> None:
        """Break the connection at once, with a RST."""
        link = self.writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.writer.transport.abort()
        raise ConnectionResetError


def bracketed(text: str) -> str:
    found = re.search("<(.*)>", text)
    return found[1] if found else ""


def digest(data: bytes) -> str:
    """Return the hash of a mail's body, without its headers."""
    return hashlib.sha256(data.partition(b"\r\n\r\n")[2]).hexdigest()


class Sink:
    """The server as a test sees it."""

    def __init__(self, directory: Path, process: Process, port: int) -> None:
        self.directory, self.process, self.port = directory, process, port
        self.log = directory / "mail.log"

    def events(self, kind: str = "taken") -> list[dict[str, Any]]:
        path = self.directory / "events"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def taken(self) -> Counter[str]:
        """Count the mails taken, by Message-ID."""
        return Counter(event["id"] for event in self.events())

    @property
    def doubled(self) -> int:
        return sum(times > 1 for times in self.taken().values())


@contextmanager
def sink(
    directory: Path,
    *,
    script: Mapping[str, Sequence[str]] = {},
    delay: tuple[float, float] = (0, 0.02),
    pace: float = 0,
    latency: float = 0,
) -> Iterator[Sink]:
    """Run a mail server for the block.

    It takes `latency` seconds for each reply; between taking a mail and saying so, `pace` and a random part of `delay`.
    """
    listening = socket.create_server(("127.0.0.1", 0), backlog=200)
    port = listening.getsockname()[1]
    process = Process(Server(directory, script, delay, pace, latency).run, listening)
    listening.close()
    try:
        assert until((directory / "mail.log").exists, seconds=10), process.said()
        yield Sink(directory, process, port)
    finally:
        process.kill()
