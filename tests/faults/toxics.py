"""A small proxy between us and a server: it delays, cuts, falls silent, or breaks off just after a word has passed."""

import asyncio
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import connection
from tests.faults.killer import Process

BYTES_AT_ONCE = 2**16
STILL = 3600


@dataclass
class Toxic:
    """What the proxy does to each connection.

    `latency` seconds pass before each piece from the server; with the chance `cut`, a connection that has sent the word
    `after` is broken off before any answer to that comes back; with the chance `silent` nothing comes back from the start.
    """

    latency: float = 0
    after: bytes = b""
    cut: float = 0
    silent: float = 0

    def run(self, listening: socket.socket, upstream: str | int) -> None:
        asyncio.run(self._serve(listening, upstream))

    async def _serve(self, listening: socket.socket, upstream: str | int) -> None:
        async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened = asyncio.open_unix_connection(upstream) if isinstance(upstream, str) else None
            server_reader, server_writer = await (opened or asyncio.open_connection("127.0.0.1", upstream))
            link = Link(self, asyncio.Event())
            there = asyncio.create_task(link.forward(reader, server_writer))
            back = asyncio.create_task(link.back(server_reader, writer))
            cut = asyncio.create_task(link.is_cut.wait())
            await asyncio.wait((there, back, cut), return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back, cut):
                task.cancel()
            if link.is_cut.is_set():
                with suppress(OSError):
                    await server_writer.drain()  # the word itself arrives
                await asyncio.sleep(0.05)
            writer.transport.abort()
            server_writer.close()

        server = await asyncio.start_server(session, sock=listening)
        await server.serve_forever()


@dataclass
class Link:
    """One connection through the proxy."""

    toxic: Toxic
    is_cut: asyncio.Event

    async def forward(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while data := await reader.read(BYTES_AT_ONCE):
            doomed = self.toxic.after and self.toxic.after in data and random.random() < self.toxic.cut
            server.write(data)
            await server.drain()
            if doomed:
                self.is_cut.set()
                await asyncio.sleep(STILL)

    async def back(self, server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if random.random() < self.toxic.silent:
            await asyncio.sleep(STILL)
        while data := await server.read(BYTES_AT_ONCE):
            await asyncio.sleep(self.toxic.latency)
            if self.is_cut.is_set():
                return
            writer.write(data)
            await writer.drain()


@contextmanager
def before_the_database(toxic: Toxic) -> Iterator[int]:
    """Put the proxy before this test's PostgreSQL for the block; yields the port that it listens on."""
    told = connection.settings_dict
    port = int(told["PORT"] or 5432)
    upstream = f"{told['HOST']}/.s.PGSQL.{port}" if told["HOST"].startswith("/") else port
    listening = socket.create_server(("127.0.0.1", 0), backlog=100)
    process = Process(toxic.run, listening, upstream)
    chosen = listening.getsockname()[1]
    listening.close()
    try:
        yield chosen
    finally:
        process.kill()
