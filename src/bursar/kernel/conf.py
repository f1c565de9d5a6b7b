"""Every setting of ours, once: name, default, meaning. The documentation and the start-up check are made from it.

The ready-made service reads each one from the environment as `BURSAR_<NAME>`; a host project gives the same names,
lower case, in its Django setting `BURSAR = {...}`. Nothing else reads the environment.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings as django_settings

from bursar.kernel.errors import Misconfigured

PREFIX: Final = "BURSAR_"
# What is longer, or more, cannot be reckoned with: dates end, and databases count only so far.
LONGEST: Final = timedelta(days=36_500)
LARGEST: Final = 10**12
LARGEST_IN_LISTS: Final = 65_535
DURATION_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: how it is read from text, what it is without, and what it means to an operator."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable of the ready-made service."""
        return PREFIX + self.name.upper()


def text(value: str) -> str:
    """Read any text."""
    return value


def words(value: str) -> tuple[str, ...]:
    """Read a list separated by commas; blanks around a word do not count."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def numbers(value: str) -> tuple[int, ...]:
    """Read whole numbers from 1 to 65535, separated by commas."""
    found = tuple(_whole(word) for word in words(value))
    if any(number is None or not 1 <= number <= LARGEST_IN_LISTS for number in found):
        raise ValueError(f"whole numbers from 1 to {LARGEST_IN_LISTS}, separated by commas")
    return tuple(number for number in found if number is not None)


def _whole(value: str) -> int | None:
    """Return a whole number, None for any other text: Python's own words about it help no operator."""
    try:
        return int(value)
    except ValueError:
        return None


def yes_or_no(value: str) -> bool:
    """Read yes, true, on, 1 or no, false, off, 0."""
    known = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    if (word := value.strip().lower()) not in known:
        raise ValueError("yes or no")
    return known[word]


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a reader that takes exactly these words."""

    def read(value: str) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(filter(None, choices))}")
        return value

    return read


def at_least(minimum: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `minimum` up."""

    def read(value: str) -> int:
        number = _whole(value)
        if number is None or not minimum <= number <= LARGEST:
            raise ValueError(f"a whole number from {minimum} to {LARGEST}")
        return number

    return read


def duration(value: str) -> timedelta:
    """Read a span of time such as 90s, 15m, 24h, 91d, -2d, or whole seconds; of at most a hundred years."""
    match = re.fullmatch(r"([+-]?\d{1,9})\s*([smhdw]?)", value.strip())
    if match is None:
        raise ValueError("a span of time such as 90s, 15m, 24h or 91d")
    unit = timedelta(**{DURATION_UNITS[match[2] or "s"]: 1})
    number = int(match[1])
    if abs(number) > LONGEST // unit:
        raise ValueError(f"a span of time of at most {LONGEST.days} days")
    return number * unit


def positive_duration(value: str) -> timedelta:
    """Read a span of time longer than nothing."""
    span = duration(value)
    if span <= timedelta(0):
        raise ValueError("a span of time above zero, such as 15m")
    return span


def json_object(value: str) -> dict[str, Any]:
    """Read a JSON object; nothing of it, which may be secret, is told when it is none."""
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError('a JSON object such as {"NAME": "value"}') from None  # noqa: TRY004  readers raise this
    return found


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "secret_key",
        text,
        "",
        "Signs sessions and links. Without it one is made at first start and kept in the data directory.",
    ),
    Setting(
        "mode",
        one_of("", "production", "demo", "test"),
        "",
        "`demo` and `test` let the clock be moved; without it a database that `bursar demo` has filled counts as demo, any other as production.",
    ),
    Setting("data_dir", text, "var", "Directory of the SQLite file, the secret key and mails kept as files."),
    Setting("debug", yes_or_no, False, "Django's debug pages; never in production."),
    Setting(
        "allowed_hosts",
        words,
        ("localhost", "127.0.0.1", "[::1]"),
        "Host names that the web service answers to, separated by commas.",
    ),
    Setting(
        "base_url",
        text,
        "http://127.0.0.1:8000",
        "Address under which people reach this service; links in mails start with it.",
    ),
    Setting(
        "public_api_url",
        text,
        "",
        "Address under which clients reach the API, where that is not the host they name, such as https://bursar.example.org behind a proxy: the links in its answers start with it.",
    ),
    Setting(
        "api_address_limit",
        at_least(1),
        10_000,
        "Most addresses that one request to the Open edX API may assign to.",
    ),
    Setting("bind", text, "127.0.0.1:8000", "Address and port that `bursar run` listens on."),
    Setting("web_workers", at_least(1), 2, "Web server processes of `bursar run`."),
    Setting("log_format", one_of("line", "json"), "line", "How events are logged: lines for people, or JSON."),
    Setting("log_level", one_of("debug", "info", "warning", "error"), "info", "Least severe level that is logged."),
    Setting("clock_offset", duration, timedelta(0), "Shifts the clock, for demonstration and tests only, such as 91d."),
    Setting(
        "failpoint",
        text,
        "",
        "Points at which the process is to die, err or wait, for demonstration and tests only, such as after_commit:kill9:0.5.",
    ),
    Setting(
        "retry_limit",
        at_least(1),
        5,
        "How often a transaction that met a conflict is run before the caller is told to try later.",
    ),
    Setting("chunk_size", at_least(1), 1000, "People per transaction in bulk verbs."),
    Setting(
        "inline_limit",
        at_least(1),
        1000,
        "Largest allocation done as one transaction; larger ones are reserved first and filled in chunks.",
    ),
    Setting(
        "plan_kept_for",
        positive_duration,
        timedelta(hours=24),
        "How long the plan of an allocation can be applied, and the addresses in it are kept.",
    ),
    Setting(
        "people_limit",
        at_least(1),
        200_000,
        "Most rows of people that one allocation or plan over the API takes.",
    ),
    Setting(
        "price_tolerance_percent", at_least(0), 5, "How far a requested price may lie from the catalog's, in percent."
    ),
    Setting(
        "scrub_after",
        positive_duration,
        timedelta(days=90),
        "How long the address of somebody whose assignment was cancelled, expired, errored or reversed is kept.",
    ),
    Setting(
        "scrub_wait_for_mail",
        positive_duration,
        timedelta(days=7),
        "How long a 90-day expiry waits for its message to be settled before the address is scrubbed.",
    ),
    Setting(
        "redemption_give_up",
        positive_duration,
        timedelta(hours=24),
        "How long an enrolment without a clear answer is retried before the assignment errs and its money is released.",
    ),
    Setting(
        "nudge_days",
        numbers,
        (14,),
        "How many days before an accepted course starts the learner is nudged, separated by commas.",
    ),
    Setting("file_limit_bytes", at_least(1), 20_000_000, "Largest file of people or courses that is read, in bytes."),
    Setting(
        "request_limit_bytes",
        at_least(1),
        4_000_000,
        "Largest body of a request that is no file, in bytes; a larger one is refused unread.",
    ),
    Setting(
        "rate_limit",
        at_least(0),
        1_200,
        "How many requests a minute the APIs answer to one caller (a token, a user, who a JWT speaks of); 0 for as many as come.",
    ),
    Setting(
        "rate_limit_anonymous",
        at_least(0),
        600,
        "How many requests a minute of nobody they know they refuse as such, by client address, before they answer no more; 0 for as many as come.",
    ),
    Setting(
        "login_limit",
        at_least(0),
        20,
        "How often a minute somebody may try to sign in, by client address and by account; 0 for as often as they like.",
    ),
    Setting(
        "require_mfa",
        one_of("auto", "yes", "no"),
        "auto",
        "Whether admins and operators must have a second factor to use the portals; `auto`: everywhere but in a demonstration.",
    ),
    Setting(
        "trusted_proxies",
        words,
        (),
        "Proxies in front of the service whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses and networks, such as 127.0.0.1,10.0.0.0/8.",
    ),
    Setting(
        "smtp_url",
        text,
        "",
        "Mail server, such as smtp://user:password@mail.example.org:587?tls=starttls. Without it mails are kept as files.",
    ),
    Setting(
        "smtp_timeout",
        positive_duration,
        timedelta(seconds=60),
        "How long a mail may take until it is handed to the mail server, and again until that has answered; at most half of `mail_lease`.",
    ),
    Setting(
        "mail_backend",
        text,
        "",
        "Another mail backend of Django instead of a mail server, such as anymail.backends.mailgun.EmailBackend.",
    ),
    Setting(
        "mail_backend_options",
        json_object,
        {},
        'What that backend needs, as JSON: for one of django-anymail its ANYMAIL setting, such as {"MAILGUN_API_KEY": "…"}; for any other Django settings by their names.',
    ),
    Setting("mail_per_connection", at_least(1), 100, "How many mails one connection to the mail server carries."),
    Setting("mail_per_second", at_least(0), 0, "How many mails a process sends per second; 0 for as many as it can."),
    Setting(
        "mail_idempotency_header",
        text,
        "",
        "Header by which the mail system knows a mail that it gets again, such as Resend-Idempotency-Key; it carries the id of the message.",
    ),
    Setting(
        "mail_lookup",
        text,
        "",
        "Function that gets Message-IDs and tells which have left (True) or not (False), such as bursar.adapters.mail_lookup_postfix.find. Without it nobody can tell.",
    ),
    Setting(
        "mail_log",
        text,
        "",
        "Log of the mail server, for bursar.adapters.mail_lookup_postfix.find; also those rotated beside it are read.",
    ),
    Setting(
        "mail_log_complete",
        yes_or_no,
        False,
        "Whether a mail that `mail_log` does not show has not left: only if all mails go through that server, and its unpacked logs reach back further than workers may stand still.",
    ),
    Setting("mail_from", text, "Bursar <no-reply@bursar.invalid>", "Sender of all mails."),
    Setting(
        "bounce_address",
        text,
        "",
        "Mailbox to which undeliverable mail comes back, such as bounces@example.org, its local part at most 21 characters; each mail adds a mark of its own after a +. Without it they come back to the sender, unread by Bursar.",
    ),
    Setting(
        "unsubscribe_url",
        text,
        "{base_url}/unsubscribe/{token}",
        "Where people unsubscribe from reminders, named in the head of each; may name {base_url}, and must name {token}. Empty: it is not offered.",
    ),
    Setting(
        "answer_url",
        text,
        "{base_url}/answer/{token}/",
        "Where mails lead to accept, to decline and to ask for more time without an account; may name {base_url}, and must name {token}. Empty, or without the app `bursar.learner_portal`: they lead to `course_url`.",
    ),
    Setting(
        "answer_links_last",
        positive_duration,
        timedelta(days=120),
        "How long a link of `answer_url` works after its mail was written, as long as what it is about is open.",
    ),
    Setting(
        "answer_limit",
        at_least(0),
        30,
        "How many links of `answer_url` that are not ours a client address may try a minute before none is answered; 0 for as many as it likes.",
    ),
    Setting("mail_dir", text, "", "Directory of mails kept as files; without it `mail` in the data directory."),
    Setting(
        "mail_lease",
        positive_duration,
        timedelta(minutes=2),
        "How long a worker may hold a message before another one may take it over.",
    ),
    Setting(
        "mail_uncertain_for",
        positive_duration,
        timedelta(minutes=10),
        "How long after its lease a message that may have left is let rest before it is settled: longer than mail servers keep an idle connection.",
    ),
    Setting("worker_poll", positive_duration, timedelta(seconds=2), "How often an idle worker looks for messages."),
    Setting(
        "stuck_after",
        positive_duration,
        timedelta(minutes=10),
        "How long a due message may wait, or workers be silent, before `bursar status` and /readyz name it a problem.",
    ),
    Setting(
        "metrics_token", text, "", "Bearer token that /metrics asks for; without it everybody may read the figures."
    ),
    Setting("drains", at_least(1), 4, "How many workers may be sending messages at one time."),
    Setting("workers", at_least(1), 2, "Worker processes of `bursar run`, and of `bursar worker` under Celery."),
    Setting(
        "broker_url",
        text,
        "",
        "Message broker of a fleet of workers, such as redis://redis:6379/0: tasks then run under Celery. Without it the database keeps them.",
    ),
    Setting(
        "keep_messages",
        positive_duration,
        timedelta(days=400),
        "How long messages that are over, reminders taken and notices given are kept; never so short that something is told twice.",
    ),
    Setting(
        "keep_idempotency_keys",
        positive_duration,
        timedelta(days=7),
        "How long the answer to a request with an Idempotency-Key is kept, to be given again.",
    ),
    Setting("tick_every", positive_duration, timedelta(minutes=1), "How often `bursar run` does what is due."),
    Setting(
        "course_url",
        text,
        "{base_url}/courses/{content_key}",
        "Where a learner goes to take a course up; may name {base_url}, {content_key} and {assignment}.",
    ),
    Setting(
        "catalog_port",
        text,
        "bursar.adapters.catalog_table.TableCatalog",
        "Class that answers for courses, runs and prices.",
    ),
    Setting(
        "enrolment_port",
        text,
        "bursar.adapters.enrolment_direct.DirectEnrolment",
        "Class that enrols people in courses.",
    ),
    Setting(
        "mail_port",
        text,
        "bursar.adapters.mail_django.DjangoMail",
        "Class that hands mails over; where `smtp_url` is set this default gives way to bursar.adapters.mail_smtp.SmtpMail.",
    ),
    Setting("webhook_port", text, "bursar.adapters.webhooks_http.HttpWebhooks", "Class that posts webhooks."),
    Setting("keyset_port", text, "bursar.adapters.keysets_http.HttpKeySets", "Class that fetches the keys of JWTs."),
    Setting("webhook_tcp_ports", numbers, (443, 8443), "TCP ports that webhooks may go to, separated by commas."),
    Setting(
        "webhook_allow",
        words,
        (),
        "Receivers that may have private addresses and no TLS: host names and networks, such as hooks.intern.example,10.1.0.0/16.",
    ),
    Setting(
        "webhook_timeout",
        positive_duration,
        timedelta(seconds=15),
        "How long one webhook may take, from name to answer.",
    ),
    Setting(
        "webhook_disable_after",
        positive_duration,
        timedelta(days=3),
        "How long an endpoint may fail without one success before it is disabled.",
    ),
    Setting(
        "keep_events",
        positive_duration,
        timedelta(days=90),
        "How long events can be read from the feed and replayed.",
    ),
    Setting(
        "jwt_issuer",
        text,
        "",
        "Who issues the JWTs that callers of the APIs may show: exactly their claim `iss`, such as https://lms.example.org/oauth2.",
    ),
    Setting("jwt_audience", words, (), "For whom these JWTs are: one of these words must stand in their claim `aud`."),
    Setting(
        "jwt_public_key",
        text,
        "",
        "Public key that verifies them, as PEM (line breaks may be written as \\n) or as the path of a PEM file.",
    ),
    Setting(
        "jwt_jwks",
        text,
        "",
        "Or a set of keys (JWKS): its https address, read again every hour and, at most once a minute, for a key that is not in it; or the path of a file.",
    ),
    Setting(
        "jwt_algorithms",
        words,
        ("RS256", "ES256"),
        "Algorithms by which JWTs may be signed: RS256, RS384, RS512, ES256. An Open edX LMS signs with RS512 unless it is told otherwise.",
    ),
    Setting(
        "jwt_max_age",
        positive_duration,
        timedelta(hours=24),
        "How long after its issue a JWT is good at most, whatever it says itself: roles taken away are gone by then.",
    ),
    Setting(
        "jwt_accounts",
        yes_or_no,
        True,
        "Whether somebody whose JWT shows a proven address (`email` and `email_verified`) gets an account here with their first request, linked to what is assigned to the address.",
    ),
    Setting(
        "cors_origins",
        words,
        (),
        "Origins whose pages may call the APIs with the cookies of who is signed in, such as https://admin.example.org; `*` is none.",
    ),
    Setting(
        "address_verifier",
        text,
        "bursar.people.verification.profile_says_so",
        "Function that tells whether the address of a user is verified.",
    ),
)
BY_NAME: Final = {item.name: item for item in SETTINGS}


def setting(name: str) -> Any:
    """Return the value of one of ours: the host's Django setting `BURSAR[name]`, else its default."""
    given: Mapping[str, Any] = getattr(django_settings, "BURSAR", {})
    return given[name] if name in given else BY_NAME[name].default


def read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return every setting as the environment gives it.

    Raises `Misconfigured`, naming the variable, for one of our prefix that nobody knows or a value that cannot be read.
    """
    known = {item.variable: item for item in SETTINGS}
    values: dict[str, Any] = {item.name: item.default for item in SETTINGS}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        item = known.get(variable)
        if item is None:
            raise Misconfigured(
                f"{variable} is not a setting of Bursar; see docs/reference/settings.md.", setting=variable
            )
        try:
            values[item.name] = item.read(value)
        except ValueError as error:
            raise Misconfigured(f"{variable} cannot be read: {error}.", setting=variable) from error
    return values
