"""Which text is an address, and which spellings are one address (ruling 5)."""

import subprocess
import sys
import unicodedata

import pytest
from email_validator import validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from bursar.kernel.errors import BadInput, format_traceback
from bursar.people.addresses import (
    BLANKS,
    BadAddress,
    _full_normal_form,
    _is_plain,
    address_key,
    display_form,
    normal_form,
)

DOMAINS = [
    "example.com",
    "sub.example.org",
    "a-b.example",
    "bücher.example",
    "faß.test",
    "例え.invalid",
    "1.example",
    "b.c",
]
PLAIN_LOCAL = st.from_regex(r"[a-z0-9_+'=-]{1,20}(\.[a-z0-9_+'=-]{1,20})?", fullmatch=True)
LETTERS = "abz09éßøłџжλ日本ก़ा\u0301\u0323ǰ\u017f\u0131"
LEGAL = st.builds(
    "{}@{}".format, st.text(LETTERS + "!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=12), st.sampled_from(DOMAINS)
)
NEARLY = st.lists(
    st.sampled_from(
        ["a", "B", "ß", "İ", "J\u030c", "Σ", "@", "@example.com", ".", "-", "--", "xn--", "_", " ", "\0", "\ud800"]
    )
    | st.characters(exclude_categories=()),
    max_size=12,
).map("".join)
PLAIN_LOOKING = st.builds(
    "{}@{}".format,
    st.text("abAZ09.-_+'=", min_size=1, max_size=8).map(lambda part: part * 9) | st.text("aZ.-_9+", max_size=9),
    st.lists(st.text("aZ-9nx", max_size=6) | st.sampled_from(["a" * 63, "a" * 64, "xn--a", "com"]), max_size=5).map(
        ".".join
    ),
)


def wide(text):
    """Return printable ASCII in the full-width forms that East Asian keyboards give."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def refusal(text):
    with pytest.raises(BadAddress) as caught:
        normal_form(text)
    return caught.value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Person@Example.COM", "person@example.com"),
        ("  person@example.com\r\n", "person@example.com"),
        ("\ufeff\u200bperson@example.com\u202c\xa0", "person@example.com"),
        (wide("Person@Example.com"), "person@example.com"),
        ("person@example。com", "person@example.com"),
        ("jürgen@bücher.example", "JÜRGEN@xn--bcher-kva.example"),
        ("jürgen@BÜCHER.example", "ju\u0308rgen@XN--BCHER-KVA.Example"),
        ("a@faß.example", "a@xn--fa-hia.example"),
        ("a@ΝΙΚΟΣ.example", "a@νικοσ.example"),
        ("a@example.ΝΙΚΟΣ", "a@example.νικοσ"),
        ("J\u030c@example.com", "ǰ@example.com"),
        ("ΝΙΚΟΣ@example.com", "νικος@example.com"),
    ],
)
def test_spellings_of_one_address_have_one_normal_form(one, other):
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jose@example.com", "josé@example.com"),
        ("groß@example.com", "gross@example.com"),
        ("a@groß.example", "a@gross.example"),
        ("first.last@example.com", "firstlast@example.com"),
        ("a+b@example.com", "a@example.com"),
    ],
)
def test_two_people_stay_two_people(one, other):
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
        ("=cmd|calc@example.com ", "=cmd|calc@example.com"),
        ("o'neil/x+y@example.co.uk", "o'neil/x+y@example.co.uk"),
        ("用户@例え.test", "用户@xn--r8jz45g.test"),
        ("retired_user0123456789abcdef@retired.invalid", "retired_user0123456789abcdef@retired.invalid"),
        ("a@host.local", "a@host.local"),
        ("a@b.example", "a@b.example"),
        ("a@9.3com.example", "a@9.3com.example"),
    ],
)
def test_unusual_addresses_are_legal(text, normal):
    assert normal_form(text) == normal


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no address"),
        (" \t\u200b ", "no address"),
        ("not-an-address", "no @"),
        ("@example.com", "nothing before"),
        ("a@", "nothing after"),
        ("two@@example.com", "more than one @"),
        ("good@example.com, second@example.com", "more than one @"),
        ("Ann <ann@example.com>", "address alone"),
        ('"ann"@example.com', "address alone"),
        ("a@[192.0.2.1]", "address alone"),
        ("ann(work)@example.com", "address alone"),
        ("mailto:ann@example.com", "address alone"),
        ("bcc: ann@example.com", "address alone"),
        ("ann@example.com,", "address alone"),
        ("spaces in@example.com", "blank"),
        ("line\nbreak@example.com", "blank"),
        ("ann@example.com\r\nbcc", "blank"),
        ("ann@exam\u2028ple.com", "blank"),
        ("\xb4ann@example.com", "blank"),
        ("a\0nn@example.com", "invisible"),
        ("a\x1bnn@example.com", "invisible"),
        ("a\u200bnn@example.com", "invisible"),
        ("ann@exam\xadple.com", "invisible"),
        ("a\ud800nn@example.com", "invisible"),
        ("ann@\ud800.com", "invisible"),
        ("a\U000e1234nn@example.com", "invisible"),
        ("jos\ufffd@example.com", "lost"),
        ("\u0301ann@example.com", "accent"),
        (".ann@example.com", "dot"),
        ("ann.@example.com", "dot"),
        ("a..n@example.com", "dot"),
        ("x@example", "no dot"),
        ("x@.example.com", "not a domain"),
        ("x@example.com.", "not a domain"),
        ("x@a..example", "not a domain"),
        ("x@a_b.example", "not a domain"),
        ("x@-a.example", "not a domain"),
        ("x@a-.example", "not a domain"),
        ("x@ab--c.example", "not a domain"),
        ("x@xn--a.example", "not a domain"),
        ("x@192.0.2.1", "not a domain"),
        ("x@☃.example", "not a domain"),
        ("x@a\u200db.example", "not a domain"),
        ("a" * 65 + "@example.com", "before the @ is longer"),
        ("é" * 33 + "@example.com", "before the @ is longer"),
        ("x@" + "a" * 64 + ".example", "not a domain"),
        ("x@" + "a." * 126 + "example", "longer than 254"),
        (("é" * 32 + "@" + ("a" * 60 + ".") * 4)[:225] + ".example", "longer than 254 octets"),
    ],
)
def test_what_is_no_address_is_refused_in_words(text, words):
    error = refusal(text)
    assert isinstance(error, BadInput)
    assert error.code == "invalid_address"
    assert words in error.message


@pytest.mark.parametrize("text", ["a" * 64 + "@example.com", "é" * 32 + "@example.com", "x@" + "a" * 63 + ".example"])
def test_the_longest_parts_are_legal(text):
    assert normal_form(text) == text


def test_the_longest_address_is_legal_and_one_octet_more_is_not():
    domain = ".".join(["a" * 60] * 4)
    longest = "x" * (254 - 1 - len(domain)) + "@" + domain
    assert len(longest) == 254
    assert normal_form(longest) == longest
    assert "254" in refusal("x" + longest).message


@pytest.mark.parametrize(
    "tail", ["@canary", "@@canary.example", " canary@example.com", "@canary_.example", "é@canary☃.example"]
)
def test_a_refusal_never_repeats_the_address(tail):
    error = refusal("canary" + tail)
    assert "canary" not in format_traceback(error)
    assert error.facts == {}
    assert error.__context__ is None


def test_the_display_form_is_the_spelling_without_what_surrounds_it():
    assert display_form("\ufeff\t José.Lima@Bücher.Example \u200b\r\n") == "José.Lima@Bücher.Example"


def test_every_blank_of_python_is_trimmed():
    assert set(BLANKS) == {chr(number) for number in range(0x110000) if chr(number).isspace()}


def test_the_key_is_an_hmac_in_hexadecimal_digits():
    key = address_key("josé@example.com", b"pepper")
    assert key == "9fc8be8a46c40b9d4d56e3c069123f48411e4758da90b3037d85ef563d32aad3"


def test_the_key_depends_on_the_pepper_and_the_address():
    keys = {address_key(normal, pepper) for normal in ("a@b.example", "c@b.example") for pepper in (b"1", b"2")}
    assert len(keys) == 4
    assert all(len(key) == 64 and key.isascii() for key in keys)


@given(LEGAL | NEARLY | PLAIN_LOOKING)
def test_no_text_makes_an_error_of_another_kind_and_a_normal_form_is_its_own(text):
    try:
        normal = normal_form(text)
    except BadAddress:
        return
    assert normal_form(normal) == normal
    assert len(normal.encode()) <= 254
    assert len(normal.partition("@")[0].encode()) <= 64
    assert len(display_form(text)) <= 254
    assert normal.partition("@")[2].isascii()


@given(PLAIN_LOCAL, st.sampled_from(DOMAINS), st.randoms(use_true_random=False))
def test_letter_case_width_and_blanks_around_do_not_count(local, domain, random):
    def vary(character: str) -> str:
        choice = random.randrange(3)
        if choice == 1:
            return character.upper() if len(character.upper()) == 1 else character
        if choice == 2 and "!" <= character <= "~":
            return wide(character)
        return character

    address = f"{local}@{domain}"
    assert normal_form(" " + "".join(map(vary, address)) + "\u3000") == normal_form(address)


@given(LEGAL)
def test_composed_and_decomposed_spellings_are_one(text):
    def result(spelling: str) -> str | None:
        try:
            return normal_form(spelling)
        except BadAddress:
            return None

    assert result(unicodedata.normalize("NFD", text)) == result(unicodedata.normalize("NFC", text))


@given(PLAIN_LOOKING | NEARLY | st.builds("{}@{}".format, PLAIN_LOCAL.map(str.title), st.sampled_from(DOMAINS)))
@example("a" * 65 + "@example.com")
@example("a@" + "b" * 64 + ".example")
@example("a@xn--b.example")
@example("a@b--c.example")
@example("a@b.1")
def test_the_short_way_gives_what_the_full_way_gives(text):
    lowered = text.lower()
    if text.isascii() and _is_plain(lowered):
        assert _full_normal_form(text) == lowered


@given(PLAIN_LOCAL)
def test_the_short_way_is_taken_by_plain_addresses(local):
    assert _is_plain(f"{local}@sub.example.com")


@given(LEGAL.filter(lambda text: not text.endswith((".test", ".invalid"))))
def test_what_we_take_a_strict_judge_takes_too(text):
    try:
        normal = normal_form(text)
    except BadAddress:
        return
    validate_email(normal, check_deliverability=False, allow_smtputf8=True)


def test_the_module_needs_no_django():
    code = "import sys, bursar.people.addresses; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
