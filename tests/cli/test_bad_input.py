"""What is wrong with what was given: a code, a line where there is one, exit 4, and nothing changed."""

import codecs

import pytest

from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Fund
from bursar.catalog.models import Course

ALLOCATE = ("allocate", "--budget", "Team", "--content", "Org+ONE")
PLAIN = "E-mail,Name\nada@acme.example,Ada\nzoë@acme.example,Zoë\n"


def refused(bursar, *arguments, code=4):
    """Return the error of a call that must fail, having seen that words stand on standard error too."""
    result = bursar(*arguments, "--json", code=code)
    error = result.json["error"]
    assert set(result.json) == {"error"}
    assert error["message"] in result.err
    assert error["code"] in result.err
    text = bursar(*arguments, code=code)
    assert text.out == ""
    assert error["message"] in text.err
    return error


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "empty_file", None),
        (b"\n\n  \n", "empty_file", None),
        (b"ada@acme.example\nbea@acme.example\n", "no_header", 1),
        (b"E-mail,Shoe size\nada@acme.example,44\n", "unknown_columns", 1),
        (b"Name,Department\nAda,Engines\n", "no_address_column", 1),
        (b"E-mail,mail\na@b.example,a@b.example\n", "duplicate_columns", 1),
        (b"E-mail,Name\n", "no_rows", None),
        (b'E-mail,Name\n"ada@acme.example,Ada\n', "malformed_csv", 2),
        (b"E-mail,Name\nada@acme.example,A\0da\n", "nul_bytes", 2),
        (PLAIN.encode("latin-1"), "wrong_encoding", 3),
        ("E-mail\nada@acme.example\n".encode("utf-16-le"), "nul_bytes", 1),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "wrong_encoding", 1),
    ],
)
def test_a_fault_of_the_whole_file_refuses_the_file(world, bursar, write, content, code, line):
    error = refused(bursar, *ALLOCATE, write("people.csv", content))
    assert (error["code"], error.get("line")) == (code, line)
    assert not LearnerContentAssignment.objects.exists()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (PLAIN.encode(), None),
        (codecs.BOM_UTF8 + PLAIN.encode(), None),
        (PLAIN.encode("utf-16"), None),
        (codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), None),
        (PLAIN.encode("latin-1"), "latin-1"),
        (PLAIN.encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_encodings_that_are_marked_or_named_are_read(world, bursar, write, content, encoding):
    named = ("--encoding", encoding) if encoding else ()
    done = bursar(*ALLOCATE, write("people.csv", content), *named, "--json").json
    assert [item["email"] for item in done["created"]] == ["ada@acme.example", "zoë@acme.example"]


def test_an_encoding_that_is_none_or_another_is_refused(world, bursar, write):
    path = write("people.csv", codecs.BOM_UTF8 + PLAIN.encode())
    assert refused(bursar, *ALLOCATE, path, "--encoding", "klingon")["code"] == "wrong_encoding"
    assert refused(bursar, *ALLOCATE, path, "--encoding", "base64")["code"] == "wrong_encoding"
    assert refused(bursar, *ALLOCATE, path, "--encoding", "utf-16")["code"] == "wrong_encoding"


def test_a_file_of_fifty_megabytes_is_refused_by_its_size(world, bursar, tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(b"E-mail\n")
        file.truncate(50_000_000)
    assert refused(bursar, *ALLOCATE, path)["code"] == "file_too_large"
    assert refused(bursar, "catalog", "import", path)["code"] == "file_too_large"


def test_a_file_that_is_none_is_refused(world, bursar, tmp_path):
    assert refused(bursar, *ALLOCATE, tmp_path / "nowhere.csv")["code"] == "file_unreadable"
    assert refused(bursar, *ALLOCATE, tmp_path)["code"] == "file_unreadable"
    assert refused(bursar, "catalog", "import", tmp_path)["code"] == "file_unreadable"


def test_a_bad_row_refuses_the_row_and_names_its_line(world, bursar, write):
    rows = (
        'E-mail,Time zone\n"x\ny",\nada@acme.example,Mars/Base\nbea@acme.example,,surplus\n'
        + "x" * 300
        + "@a.example,\ncee@acme.example,\n"
    )
    done = bursar(*ALLOCATE, write("people.csv", rows), "--json").json
    assert [item["email"] for item in done["created"]] == ["cee@acme.example"]
    assert [(item["line"], item["code"]) for item in done["refused"]] == [
        (2, "invalid_address"),
        (4, "invalid_time_zone"),
        (5, "malformed_row"),
        (6, "invalid_address"),
    ]


def test_when_no_row_names_anybody_that_is_bad_input(world, bursar, write):
    path = write("people.csv", "E-mail\nnobody\nno@body@here.example\n")
    for people in (("--email", "nobody"), (path,)):
        done = bursar(*ALLOCATE, *people, "--json", code=4).json
        assert {item["code"] for item in done["refused"]} == {"invalid_address"}
        assert done["charged_cents"] == 0
    bursar(*ALLOCATE, "--email", "nobody", "--email", "ada@acme.example")
    bursar(*ALLOCATE, "--email", "nobody", "--email", "ada@acme.example")  # who has it already counts too


@pytest.mark.parametrize(
    "price",
    [
        "-49",
        "-0.01",
        "49.001",
        "49,00",
        "1e3",
        "NaN",
        "inf",
        "",
        "  ",
        "$49",
        "٤٩",
        "10000000.01",
        "9" * 30,
        "49.",
        ".5",
    ],
)
def test_a_price_that_is_none_is_refused(world, bursar, people, price):
    assert refused(bursar, *ALLOCATE, people, "--price", price)["code"] == "invalid_price"
    assert not LearnerContentAssignment.objects.exists()


@pytest.mark.parametrize("amount", ["-5", "0.001", "0", "NaN", "", "1_000", "1,000", "10000000000000.01", "9" * 40])
def test_an_amount_that_is_none_is_refused(world, bursar, amount):
    assert refused(bursar, "fund", "deposit", "Fund", amount)["code"] == "invalid_amount"
    assert (
        refused(bursar, "fund", "create", "--customer", "acme-ltd", "--title", "F", "--deposit", amount)["code"]
        == "invalid_amount"
    )
    if amount != "0":
        assert refused(bursar, "budget", "set-limit", "Team", amount)["code"] == "invalid_amount"
        assert (
            refused(bursar, "budget", "create", "--fund", "Fund", "--name", "B", "--limit", amount)["code"]
            == "invalid_amount"
        )
    assert list(Fund.objects.values_list("balance_cents", flat=True)) == [60000]


@pytest.mark.parametrize(
    "arguments",
    [
        ("customer", "show", "nobody"),
        ("fund", "show", "nothing"),
        ("fund", "deposit", "nothing", "5"),
        ("fund", "create", "--customer", "nobody", "--title", "F"),
        ("budget", "show", "nothing"),
        ("budget", "show", "00000000-0000-4000-8000-000000000000"),
        ("budget", "create", "--fund", "nothing", "--name", "B", "--limit", "5"),
        ("budget", "create", "--fund", "Fund", "--name", "B", "--limit", "5", "--catalog", "nothing"),
        ("allocate", "--budget", "nothing", "--content", "Org+ONE", "--email", "ada@acme.example"),
        ("allocate", "--budget", "nothing", "--content", "Org+ONE", "--email", "ada@acme.example", "--plan"),
        ("assignments", "show", "00000000-0000-4000-8000-000000000000"),
        ("assignments", "list", "--budget", "nothing"),
        ("cancel", "--budget", "nothing", "--all"),
        ("undo", "00000000-0000-4000-8000-000000000000"),
        ("token", "revoke", "00000000-0000-4000-8000-000000000000"),
    ],
)
def test_what_is_not_there_is_not_found(world, bursar, arguments):
    assert refused(bursar, *arguments)["code"] == "not_found"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("customer", "create", "  "), "missing_name"),
        (("customer", "create", "Acme", "--slug", "Not a slug"), "invalid_slug"),
        (("customer", "create", "Acme", "--time-zone", "Mars/Base"), "invalid_time_zone"),
        (("customer", "create", "Acme", "--language", "klingon!"), "invalid_language"),
        (("customer", "create", "Acme", "--brand-color", "red"), "invalid_color"),
        (("customer", "create", "x" * 300, "--slug", "x"), "invalid_value"),
        (("customer", "create", "Acme", "--contact-email", "nobody"), "invalid_value"),
        (("fund", "create", "--customer", "acme-ltd", "--title", " "), "missing_title"),
        (("fund", "create", "--customer", "acme-ltd", "--title", "x" * 256), "too_long"),
        (("fund", "create", "--customer", "acme-ltd", "--title", "F", "--currency", "dollars"), "invalid_currency"),
        (("fund", "create", "--customer", "acme-ltd", "--title", "F", "--expires", "someday"), "invalid_date"),
        (
            (
                "fund",
                "create",
                "--customer",
                "acme-ltd",
                "--title",
                "F",
                "--starts",
                "2027-02-01",
                "--expires",
                "2027-01-01",
            ),
            "invalid_dates",
        ),
        (("fund", "adjust", "Fund", "-5", "--reason", " "), "missing_reason"),
        (("fund", "set-end", "Fund", "0001-01-01"), "invalid_date"),
        (("budget", "create", "--fund", "Fund", "--name", "x" * 600, "--limit", "5"), "too_long"),
        (("budget", "create", "--fund", "Fund", "--name", " ", "--limit", "5"), "missing_name"),
        (("catalog", "show", "nothing"), "unknown_content"),
        (("catalog", "create", " "), "missing_title"),
        (("catalog", "create", "C", "--keys", "a b"), "invalid_key"),
        (("user", "create", "nobody"), "invalid_address"),
        (("user", "create", "x" * 60 + "@" + ".".join(["y" * 60] * 3) + ".example"), "too_long"),
        (("user", "create", "ada@acme.example", "--password", "12345"), "weak_password"),
        (("user", "create", "ada@acme.example", "--role", "admin"), "missing_customer"),
        (("user", "create", "ada@acme.example", "--customer", "acme-ltd"), "missing_role"),
        (("user", "create", "ada@acme.example", "--ask-password"), "no_terminal"),
        (("user", "verify", "ada@acme.example"), "unknown_user"),
        (("token", "create", "T"), "invalid_token_owner"),
        (("token", "create", "T", "--role", "admin"), "missing_customer"),
        (("token", "create", "T", "--role", "operator", "--scope", "everything"), "unknown_scope"),
        (("token", "create", "T", "--role", "operator", "--expires", "2001-01-01"), "invalid_dates"),
        (("cancel", "not-a-uuid"), "invalid_uuid"),
        (("cancel", "--budget", "Team", "--email", "nobody"), "invalid_address"),
        (("cancel", "--budget", "Team", "--email", "nobody@acme.example"), "nothing_selected"),
        (("messages", "replay", "not-a-uuid"), "invalid_uuid"),
        (("tick", "--at", "yesterday"), "invalid_date"),
        (("erase", "nobody@acme.example", "--yes"), "unknown_person"),
        (("erase", "nobody", "--yes"), "invalid_address"),
    ],
)
def test_what_cannot_be_read_is_named(world, bursar, arguments, code):
    assert refused(bursar, *arguments)["code"] == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"Org+NEW,A course,49\n", "no_header"),
        (b"key,title,price_usd,colour\nOrg+NEW,A course,49,red\n", "unknown_columns"),
        (b"key,price_usd\nOrg+NEW,49\n", "missing_columns"),
        (b"run_key,start\nR,2027-01-01T00:00:00Z\n", "missing_columns"),
        (b"key,title,price_usd\nOrg+NEW,caf\xe9,49\n", "wrong_encoding"),
    ],
)
def test_a_fault_of_one_catalog_file_stops_all_of_them(world, bursar, write, content, code):
    good = write("good.csv", "key,title,price_usd\nOrg+GOOD,Good,1.00\n")
    bad = write("bad.csv", content)
    error = refused(bursar, "catalog", "import", good, bad)
    assert (error["code"], error["file"]) == (code, str(bad))
    assert error["message"].startswith(f"{bad}: ")
    assert not Course.objects.filter(key="Org+GOOD").exists()


def test_a_bad_row_of_a_catalog_is_named_and_the_rest_is_taken(world, bursar, write):
    path = write("more.csv", "key,title,price_usd\nOrg+A,A,1.00\nOrg+B,B,1.001\n,C,1\nOrg+D,D,-1\nOrg+E,,1\n")
    (done,) = bursar("catalog", "import", path, "--json").json["files"]
    assert (done["kind"], done["created"]) == ("courses", 1)
    assert [(item["line"], item["code"]) for item in done["refused"]] == [
        (3, "invalid_price"),
        (4, "missing_key"),
        (5, "invalid_price"),
        (6, "missing_title"),
    ]
    assert "invalid_price" in bursar("catalog", "import", path).out


def test_when_no_row_of_a_catalog_is_taken_that_is_bad_input(world, bursar, write):
    path = write("worse.csv", "key,title,price_usd\nOrg+B,B,1.001\n")
    (done,) = bursar("catalog", "import", path, "--json", code=4).json["files"]
    assert [item["code"] for item in done["refused"]] == ["invalid_price"]
    bursar("catalog", "import", path, write("more.csv", "key,title,price_usd\nOrg+A,A,1.00\n"))
