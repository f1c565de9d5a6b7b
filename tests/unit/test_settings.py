"""Settings come from the environment alone; what is unknown or malformed is refused at start, by name."""

import json
import logging
import os
import stat
import subprocess
import sys
import traceback
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bursar.kernel.conf import SETTINGS, read_environment
from bursar.kernel.errors import Misconfigured
from bursar.project import databases
from bursar.project.consistency import consistent, split_bind
from bursar.project.databases import database
from bursar.project.logs import JsonFormatter, LineFormatter, logging_settings
from bursar.project.mail import mail_settings
from bursar.project.secrets import secret_key
from bursar.project.tasks import task_apps, task_settings

PASSWORD = "hunter2"


def read(tmp_path, **environment):
    return consistent(read_environment({"BURSAR_DATA_DIR": str(tmp_path)} | environment))


def start(tmp_path, module="bursar.project.server", **environment):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DJANGO_", "DATABASE"))
    }
    return subprocess.run(
        [sys.executable, "-m", module],
        env=clean | {"BURSAR_DATA_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_any_setting_every_one_has_its_default_and_they_agree(tmp_path):
    values = read(tmp_path)
    assert {item.name for item in SETTINGS} == set(values)
    assert values["mail_dir"] == str(tmp_path / "mail")
    assert values["bind"] == "127.0.0.1:8000"


def test_other_peoples_variables_are_left_alone(tmp_path):
    assert read(tmp_path, PATH="/bin", BURSARY_FUND="1", bursar_mode="x")["mode"] == ""


@pytest.mark.parametrize("variable", ["BURSAR_NOPE", "BURSAR_", "BURSAR_MODES", "BURSAR_mode"])
def test_an_unknown_setting_is_refused_by_name(tmp_path, variable):
    with pytest.raises(Misconfigured) as refusal:
        read(tmp_path, **{variable: "1"})
    assert refusal.value.message.startswith(f"{variable} is not a setting")
    assert refusal.value.facts == {"setting": variable}


MALFORMED = {
    "BURSAR_MODE": ["prod", "DEMO", " demo"],
    "BURSAR_DEBUG": ["", "maybe", "2"],
    "BURSAR_LOG_LEVEL": ["loud", ""],
    "BURSAR_BIND": ["", "8000", "localhost", "localhost:", "localhost:0", "localhost:70000", "localhost:x", ":8000",
                    "[::1:8000", "http://localhost:8000", "a@localhost:80", "localhost:80/x"],
    "BURSAR_BASE_URL": ["", "bursar.example.org", "ftp://bursar.example.org", "https://", "https://x:y/", "https://x:0",
                        "https://x/?a=1", "https://x/#a", "https://x\ny", "https://[::1"],
    "BURSAR_WEB_WORKERS": ["0", "-1", "two", "1.5", ""],
    "BURSAR_KEEP_MESSAGES": ["999999d"],
    "BURSAR_NUDGE_DAYS": ["0", "99999999999"],
    "BURSAR_CLOCK_OFFSET": ["999999999w", "soon", "1y", "1.5d", "", "1d 2h"],
    "BURSAR_RETRY_LIMIT": ["0"],
    "BURSAR_CHUNK_SIZE": ["0", "1e3"],
    "BURSAR_PRICE_TOLERANCE_PERCENT": ["-1", "5%"],
    "BURSAR_SCRUB_AFTER": ["0d", "-1d", "0"],
    "BURSAR_FILE_LIMIT_BYTES": ["0", "20MB"],
    "BURSAR_MAIL_FROM": ["", "Bursar", "Bursar <>", "Bursar <x@>", "Bursar <@x>", "a@b.example\nBcc: c@d.example"],
    "BURSAR_COURSE_URL": ["", "-1", "/go/{content_key}", "ftp://x.example/", "https://x.example/a b", "https://x.example/\nb", "{host}/x", "{base_url", "}", "{}", "{0}", "{base_url!r}", "{base_url:>9}", "{base_url.x}"],
    "BURSAR_BOUNCE_ADDRESS": ["bounces", "@example.org", "bounces@", "b+x@example.org", "Bounces <b@example.org>", "b@localhost",
                              "b@exa mple.org", "b@example.org\nx", "bé@example.org", "twenty-two-characters-@example.org"],
    "BURSAR_UNSUBSCRIBE_URL": ["-1{token}", "/stop/{token}", "https://x.example/stop", "{token", "{token}{other}", "{token!r}", "https://x/{token}\nX: y"],
    "BURSAR_CATALOG_PORT": ["", "TableCatalog", "a..b", "a.b c", "a/b.c"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "value"), [(name, value) for name, values in MALFORMED.items() for value in values]
)
def test_a_malformed_setting_is_refused_by_name_in_one_line(tmp_path, variable, value):
    with pytest.raises(Misconfigured) as refusal:
        read(tmp_path, **{variable: value})
    assert refusal.value.message.startswith(f"{variable} ")
    assert refusal.value.facts == {"setting": variable}
    assert len(refusal.value.message.splitlines()) == 1


def test_wellformed_settings_are_read_as_what_they_are(tmp_path):
    values = read(
        tmp_path,
        BURSAR_DEBUG="Yes",
        BURSAR_ALLOWED_HOSTS=" a.example, ,b.example ",
        BURSAR_CLOCK_OFFSET="-2d",
        BURSAR_WORKER_POLL="90",
        BURSAR_BASE_URL="https://bursar.example/learn/",
        BURSAR_MAIL_DIR=str(tmp_path / "elsewhere"),
    )
    assert values["debug"] is True
    assert values["allowed_hosts"] == ("a.example", "b.example")
    assert values["clock_offset"] == timedelta(days=-2)
    assert values["worker_poll"] == timedelta(seconds=90)
    assert values["base_url"] == "https://bursar.example/learn"
    assert values["mail_dir"] == str(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:80", ("::1", 80)),
        ("bursar.example:65535", ("bursar.example", 65535)),
    ],
)
def test_an_address_to_listen_on_is_host_and_port(bind, expected):
    assert split_bind(bind) == expected


@pytest.mark.parametrize(
    ("variable", "value"), [("BURSAR_CLOCK_OFFSET", "91d"), ("BURSAR_CLOCK_OFFSET", "-1s"), ("BURSAR_DEBUG", "on")]
)
def test_production_neither_moves_the_clock_nor_shows_its_inside(tmp_path, variable, value):
    with pytest.raises(Misconfigured, match=f"^{variable} .*production"):
        read(tmp_path, BURSAR_MODE="production", **{variable: value})
    assert read(tmp_path, BURSAR_MODE="demo", **{variable: value})["mode"] == "demo"


def test_a_data_directory_that_cannot_be_made_is_refused_by_name(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="^BURSAR_DATA_DIR cannot be used: "):
        read(tmp_path, BURSAR_DATA_DIR=str(tmp_path / "file" / "below"))


def test_a_relative_data_directory_stays_where_it_was_when_the_process_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read(tmp_path, BURSAR_DATA_DIR="here")["data_dir"] == str(tmp_path / "here")


# DATABASE_URL


def test_without_a_database_url_it_is_a_file_in_the_data_directory_whatever_its_name(tmp_path):
    data_dir = tmp_path / "50% of #1 ü?"
    data_dir.mkdir()
    assert database("", data_dir)["NAME"] == str(data_dir / "bursar.sqlite3")


def test_sqlite_takes_its_write_lock_at_once_and_erases_what_is_deleted(tmp_path):
    config = database(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path)
    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "secure_delete=ON" in config["OPTIONS"]["init_command"]
    assert config["TEST"]["NAME"] == f"{tmp_path}/x.sqlite3.test"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_reached_by_either_name_and_never_waits_for_ever(tmp_path, scheme):
    config = database(
        f"{scheme}://anna:p%40ss@db.example:5433/money?sslmode=require&options=-c%20work_mem%3D8MB", tmp_path
    )
    wanted = {"ENGINE": "django.db.backends.postgresql", "USER": "anna", "PASSWORD": "p@ss", "HOST": "db.example"}
    assert (wanted | {"PORT": 5433, "NAME": "money", "CONN_MAX_AGE": None}).items() <= config.items()
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["connect_timeout"] == 10
    assert "lock_timeout=10s" in config["OPTIONS"]["options"]
    assert config["OPTIONS"]["options"].endswith("work_mem=8MB")


def test_postgresql_may_be_a_socket_or_a_named_service(tmp_path):
    assert database("postgres://anna@%2Frun%2Fpg/money", tmp_path)["HOST"] == "/run/pg"
    assert database("postgres:///?service=money", tmp_path)["OPTIONS"]["service"] == "money"


def test_mariadb_is_reached_through_whichever_driver_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "find_spec", lambda name: name == "MySQLdb" or None)
    config = database("mariadb://anna@db.example/money", tmp_path)
    assert config["ENGINE"] == "django.db.backends.mysql"
    assert config["OPTIONS"] == {"charset": "utf8mb4", "isolation_level": "read committed"}


def test_mariadb_through_pymysql_is_announced_to_django(tmp_path, monkeypatch):
    announced = []
    driver = type("Driver", (), {"install_as_MySQLdb": staticmethod(lambda: announced.append(True))})
    monkeypatch.setattr(databases, "find_spec", lambda name: name == "pymysql" or None)
    monkeypatch.setattr(databases, "import_module", {"pymysql": driver}.__getitem__)
    database("mysql://anna@db.example/money", tmp_path)
    assert announced == [True]


@pytest.mark.parametrize(
    ("url", "driver"), [("postgres://db.example/money", "psycopg"), ("mysql://db.example/money", "mysqlclient")]
)
def test_a_database_whose_driver_is_not_installed_is_refused_at_start(tmp_path, monkeypatch, url, driver):
    monkeypatch.setattr(databases, "find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match=f"^DATABASE_URL .*{driver}.* installed"):
        database(url, tmp_path)


UNREADABLE_URLS = [
    "money",
    "://",
    "oracle://anna@db.example/money",
    "POSTGRES://db.example/money",
    "postgres:db.example",
    "postgres:/db.example/money",
    "postgres://db.example",
    "postgres://db.example/",
    "postgres://db.example:port/money",
    "postgres://db.example:99999/money",
    f"postgres://anna:{PASSWORD}/x@db.example/money",
    f"postgres://anna:{PASSWORD}[x@db.example/money",
    f"postgres://anna:{PASSWORD}@ret/x@db.example/money",
    "postgres://[::1/money",
    "postgres://db.example/mon/ey",
    "mysql://db.example",
    "sqlite://",
    "sqlite:///",
    "sqlite://:memory:",
    "sqlite:///:memory:",
    "sqlite://data/x.sqlite3",
    "sqlite:///x.sqlite3?mode=ro",
    "sqlite:////no/such/directory/x.sqlite3",
    "sqlite:////tmp",
]


@pytest.mark.parametrize("url", UNREADABLE_URLS)
def test_a_database_url_that_cannot_be_read_is_refused_without_telling_what_is_in_it(tmp_path, url):
    with pytest.raises(Misconfigured) as refusal:
        database(url, tmp_path)
    assert refusal.value.message.startswith("DATABASE_URL ")
    assert refusal.value.facts == {"setting": "DATABASE_URL"}
    assert PASSWORD not in "".join(traceback.format_exception(refusal.value)).replace(repr(url), "")


# BURSAR_SMTP_URL


def mail(url):
    defaults = {item.name: item.default for item in SETTINGS}
    return mail_settings(defaults | {"mail_from": "a@b.example", "smtp_url": url, "mail_dir": "/mails"})


def test_without_a_mail_server_mails_are_kept_as_files():
    assert mail("") | {"EMAIL_FILE_PATH": "/mails"} == mail("")
    assert mail("")["EMAIL_BACKEND"].endswith("FileBackend")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp://mail.example",
            {"EMAIL_HOST": "mail.example", "EMAIL_PORT": 587, "EMAIL_HOST_USER": "", "EMAIL_USE_TLS": False},
        ),
        ("smtp://mail.example:25?tls=none", {"EMAIL_PORT": 25, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}),
        ("smtp://mail.example/?tls=starttls", {"EMAIL_USE_TLS": True, "EMAIL_USE_SSL": False}),
        ("smtp://mail.example:465?tls=implicit", {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}),
        ("smtp://a%40b:p%2Fw%3A@mail.example", {"EMAIL_HOST_USER": "a@b", "EMAIL_HOST_PASSWORD": "p/w:"}),
        ("smtp://[::1]:2525", {"EMAIL_HOST": "::1", "EMAIL_PORT": 2525}),
    ],
)
def test_a_mail_server_is_read_from_its_url(url, expected):
    assert expected.items() <= mail(url).items()


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "smtps://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example:x",
        "smtp://mail.example:99999",
        "smtp://mail.example?tls=maybe",
        "smtp://mail.example?ssl=1",
        "smtp://mail.example?tls",
        "smtp://mail.example/path",
        f"smtp://anna:{PASSWORD}[@mail.example",
    ],
)
def test_a_mail_server_that_cannot_be_read_is_refused_without_telling_its_password(url):
    with pytest.raises(Misconfigured) as refusal:
        mail(url)
    assert refusal.value.message.startswith("BURSAR_SMTP_URL ")
    assert refusal.value.facts == {"setting": "BURSAR_SMTP_URL"}
    assert PASSWORD not in "".join(traceback.format_exception(refusal.value)).replace(repr(url), "")


# The secret key


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    key = secret_key(tmp_path)
    assert len(key) > 50
    assert secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_processes_that_start_at_once_end_with_the_same_key(tmp_path):
    command = f"from pathlib import Path; from bursar.project.secrets import secret_key; print(secret_key(Path({str(tmp_path)!r})))"
    started = [subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert keys == {(tmp_path / "secret-key").read_text() + "\n"}


def test_a_key_made_by_another_process_meanwhile_is_taken(tmp_path, monkeypatch):
    exists = Path.exists
    (tmp_path / "secret-key").write_text("theirs")
    monkeypatch.setattr(Path, "exists", lambda self: self.name != "secret-key" and exists(self))
    assert secret_key(tmp_path) == "theirs"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff"])
def test_a_spoilt_secret_key_is_refused_and_not_replaced(tmp_path, content):
    (tmp_path / "secret-key").write_bytes(content)
    with pytest.raises(Misconfigured, match="^BURSAR_DATA_DIR "):
        secret_key(tmp_path)
    assert (tmp_path / "secret-key").read_bytes() == content


def test_a_data_directory_that_is_gone_is_refused_by_name(tmp_path):
    with pytest.raises(Misconfigured, match="^BURSAR_DATA_DIR "):
        secret_key(tmp_path / "gone")


# The start


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BURSAR_NOPE", "1"),
        ("BURSAR_WEB_WORKERS", "none"),
        ("DATABASE_URL", f"postgres://a:{PASSWORD}/@x/y"),
        ("BURSAR_BIND", "8000"),
        ("BURSAR_CLOCK_OFFSET", "1d"),
    ],
)
def test_the_web_server_does_not_start_on_a_wrong_setting_and_says_which_in_one_line(tmp_path, variable, value):
    ended = start(tmp_path, **{variable: value})
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"bursar: {variable}")
    assert ended.stderr.count("\n") == 1
    assert PASSWORD not in ended.stderr


def test_another_wsgi_server_is_told_the_same(tmp_path):
    ended = start(tmp_path, "bursar.project.wsgi", BURSAR_NOPE="1")
    assert ended.returncode == 1
    assert ended.stderr == "bursar: BURSAR_NOPE is not a setting of Bursar; see docs/reference/settings.md.\n"


# The log


def line(message, *arguments, error=None):
    record = logging.LogRecord(
        "bursar", logging.WARNING, __file__, 1, message, arguments, error and (type(error), error, None)
    )
    return LineFormatter("%(levelname)s %(message)s").format(record)


def test_what_somebody_typed_cannot_pass_for_another_line_of_the_log():
    assert line("asked for %s", "x\r\nERROR all is lost\x1b[2J") == "WARNING asked for x\\r\\nERROR all is lost\\x1b[2J"
    assert line("für José") == "WARNING für José"


def test_the_stack_of_an_error_is_indented_below_its_line():
    first, *rest = line("failed", error=ValueError("one\ntwo")).splitlines()
    assert first == "WARNING failed"
    assert rest
    assert all(below.startswith("    ") for below in rest)


def test_the_level_is_that_of_our_own_log():
    assert logging_settings("debug")["loggers"]["bursar"]["level"] == "DEBUG"


def test_an_address_that_somebody_else_wrote_does_not_get_into_the_log():
    said = line("550 <Ana.b@example.org>: no such user", error=ValueError("for josé@exämple.org"))
    assert "@" not in said
    assert said.startswith("WARNING 550 <[address]>: no such user")


def test_machines_get_each_event_as_one_object():
    record = logging.makeLogRecord({
        "name": "bursar.tick", "levelname": "ERROR", "levelno": logging.ERROR, "msg": "%s for %s\nx", "args": ("failed", "a@b.example"),
        "exc_info": (ValueError, ValueError("of c@d.example"), None),
    })  # fmt: skip
    text = JsonFormatter().format(record)
    assert "\n" not in text
    event = json.loads(text)
    assert (event["level"], event["logger"], event["event"]) == ("error", "bursar.tick", "failed for [address]\nx")
    assert "ValueError: of [address]" in event["exception"]
    assert datetime.fromisoformat(event["timestamp"]).tzinfo
    assert logging_settings("info", "json")["handlers"]["stderr"]["formatter"] == "json"


@pytest.mark.parametrize(("keep", "nudges", "fits"), [
    ("180d", "14", True), ("179d", "14", False), ("200d", "200", False), ("201d", "14,200", True),
])  # fmt: skip
def test_messages_are_kept_for_as_long_as_they_keep_others_from_being_sent_again(tmp_path, keep, nudges, fits):
    given = {"BURSAR_KEEP_MESSAGES": keep, "BURSAR_NUDGE_DAYS": nudges}
    if fits:
        assert read(tmp_path, **given)["keep_messages"].days == int(keep[:-1])
    else:
        with pytest.raises(Misconfigured, match="BURSAR_KEEP_MESSAGES must be at least"):
            read(tmp_path, **given)


def test_a_data_directory_that_is_made_is_its_owners_alone(tmp_path):
    read(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def tasks(url):
    return task_settings({"broker_url": url})


def test_without_a_broker_tasks_are_kept_by_the_database():
    assert task_apps({"broker_url": ""}) == ["django_tasks_db"]
    assert tasks("") == {"TASKS": {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}}


@pytest.mark.parametrize("url", ["redis://cache:6379/0", "amqp://rabbit//"])
def test_a_broker_makes_celery_run_tasks_again_when_their_worker_is_killed(url):
    assert task_apps({"broker_url": url}) == ["django_tasks_fennel"]
    found = tasks(url)
    assert (found["CELERY_BROKER_URL"], found["CELERY_TASK_ACKS_LATE"]) == (url, True)
    assert ("visibility_timeout" in found["CELERY_BROKER_TRANSPORT_OPTIONS"]) == url.startswith("redis")


@pytest.mark.parametrize("url", ["cache:6379", "http://cache", "redis", "redis://:hunter2@[::1/0"])
def test_a_broker_that_is_none_is_refused_by_name(url):
    with pytest.raises(Misconfigured, match="BURSAR_BROKER_URL"):
        tasks(url)


def test_a_broker_needs_celery(monkeypatch):
    monkeypatch.setattr("bursar.project.tasks.find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match=r"bursar\[celery\]"):
        tasks("redis://cache")
