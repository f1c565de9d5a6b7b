"""A mail server in a thread that does at each step what its script says, and keeps what it took."""

import socket
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTPUTF8

import pytest

from bursar.adapters.mail_smtp import SmtpMail
from bursar.testing.mail_contract import Intents

RESET = "reset"
SILENCE = "silence"
SLOWLY = "slowly"
FEATURES = ("8BITMIME", "SMTPUTF8", "SIZE 10000000")


@dataclass(frozen=True)
class Taken:
    """A mail as it came: `wire` is what stood between DATA and its end."""

    sender: str
    options: str
    to: str
    wire: bytes
    connection: int

    @property
    def mail(self):
        return message_from_bytes(self.wire.replace(b"\r\n..", b"\r\n."), policy=SMTPUTF8)


@dataclass
class SmtpServer:
    """`script[step]` is what happens at the next times of a step (greeting, EHLO, MAIL, RCPT, DATA, dot and so on).

    That is a reply, or `reset`, `silence`, or `slowly` (the usual reply, in bits). At `body` the connection is reset,
    or the reply is given, when the mail comes in; at `taken` it is taken and then the same happens as at a dot.
    """

    features: tuple[str, ...] = FEATURES
    tls: ssl.SSLContext | None = None
    byte_seconds: float = 0.2
    script: defaultdict = field(default_factory=lambda: defaultdict(deque))
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    partings: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def at(self, step, *actions):
        self.script[step].extend(actions)

    def serve(self, listening):
        while not self.closing.is_set():
            with suppress(TimeoutError):
                link, _ = listening.accept()
                self.connections += 1
                threading.Thread(target=Talk(self, link, self.connections).run, daemon=True).start()

    def wait_for(self, partings, seconds=3):
        end = time.monotonic() + seconds
        while len(self.partings) < partings and time.monotonic() < end:
            time.sleep(0.01)
        return self.partings


class Gone(Exception):
    """The connection is over."""


class Talk:
    """One connection."""

    def __init__(self, server, link, number):
        self.server, self.link, self.number = server, link, number
        self.said = b""
        self.sender = self.options = self.to = ""

    def run(self):
        parting = "hung up"
        try:
            self.reply("greeting", "220 test ESMTP")
            self.talk()
        except Gone as gone:
            parting = str(gone) or parting
        except ConnectionResetError:
            parting = "reset by client"
        except OSError:
            parting = "broken"
        self.link.close()
        self.server.partings.append(parting)

    def talk(self):
        while True:
            line = self.line()
            self.server.commands.append(line)
            word, _, rest = line.partition(" ")
            handler = getattr(self, word.lower(), None)
            if handler is None:
                self.reply(word.upper(), "250 ok")
            else:
                handler(rest)

    def ehlo(self, _rest):
        *first, last = ["test", *self.server.features]
        self.reply("EHLO", "\r\n".join([*(f"250-{word}" for word in first), f"250 {last}"]))

    def starttls(self, _rest):
        self.reply("STARTTLS", "220 go")
        self.link = self.server.tls.wrap_socket(self.link, server_side=True)

    def auth(self, _rest):
        self.reply("AUTH", "235 welcome")

    def mail(self, rest):
        self.sender, self.options = bracketed(rest)
        self.reply("MAIL", "250 ok")

    def rcpt(self, rest):
        self.to, _ = bracketed(rest)
        self.reply("RCPT", "250 ok")

    def data(self, _rest):
        if not self.reply("DATA", "354 go on").startswith("354"):
            return
        if self.server.script["body"]:
            self.until(b"\r\n")
            self.reply("body", "")
            return
        wire = self.until(b"\r\n.\r\n")[:-3]
        refusal = self.server.script["dot"]
        if not refusal:
            self.server.taken.append(Taken(self.sender, self.options, self.to, wire, self.number))
        self.reply("dot" if refusal else "taken", "250 taken")

    def quit(self, _rest):
        self.reply("QUIT", "221 bye")
        raise Gone("quit")

    def reply(self, step, usual):
        actions = self.server.script[step]
        action = actions.popleft() if actions else usual
        if action == RESET:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone("reset")
        if action == SILENCE:
            self.server.closing.wait(30)
            raise Gone("silence")
        if action == SLOWLY:
            self.say_slowly(usual)
            return usual
        self.link.sendall(f"{action}\r\n".encode())
        return action

    def say_slowly(self, text):
        for byte in f"{text}\r\n".encode():
            self.link.sendall(bytes([byte]))
            if self.server.closing.wait(self.server.byte_seconds):
                raise Gone("closing")

    def line(self):
        return self.until(b"\r\n").decode().removesuffix("\r\n")

    def until(self, end):
        while end not in self.said:
            more = self.link.recv(65536)
            if not more:
                raise Gone("hung up")
            self.said += more
        found, _, self.said = self.said.partition(end)
        return found + end


def bracketed(text):
    inside, _, options = text.partition("<")[2].partition(">")
    return inside, options.strip()


def use(settings, server):
    """Let mails go to this server."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.BURSAR = settings.BURSAR | {"base_url": "https://learn.example.org"}


def ours(settings, **values):
    """Set settings of ours."""
    settings.BURSAR = settings.BURSAR | values


def outcomes(deliveries):
    return [(delivery.outcome, delivery.code) for delivery in deliveries]


@contextmanager
def smtp_server(**facts):
    server = SmtpServer(**facts)
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listening:
        listening.settimeout(0.05)
        server.port = listening.getsockname()[1]
        accepting = threading.Thread(target=server.serve, args=[listening], daemon=True)
        accepting.start()
        yield server
        server.closing.set()
        accepting.join()


@pytest.fixture
def server(settings):
    """Return a server to which mails go."""
    with smtp_server() as running:
        use(settings, running)
        yield running


@pytest.fixture
def port():
    """Return our own SMTP."""
    adapter = SmtpMail()
    yield adapter
    adapter.close()


@pytest.fixture
def send(port):
    """Return a function that hands mails over and returns what came of each."""

    def send(*mails, intent=None):
        return list(port.send_many(mails, intent=intent or Intents()))

    return send
