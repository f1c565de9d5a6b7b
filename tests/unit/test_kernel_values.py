"""The small values of the kernel: who acts, what a bulk verb answers, errors, chunks and the objects that settings name."""

import pytest

from bursar.kernel import errors
from bursar.kernel.actor import SYSTEM, Actor
from bursar.kernel.backends import backend
from bursar.kernel.batching import chunks
from bursar.kernel.errors import BadInput, Misconfigured, NotFound, Refused, Unavailable, format_traceback
from bursar.kernel.results import BulkResult, Refusal


class Fake:
    pass


def answer():
    return "answer"


def test_an_actor_is_shown_by_kind_and_name_and_nothing_personal():
    assert str(SYSTEM) == "system:bursar"
    assert str(Actor("person", "admin", user_id=7, lms_user_id=8)) == "person:admin"


def test_an_actor_cannot_become_another():
    with pytest.raises(AttributeError):
        SYSTEM.name = "root"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Refused, "refused"),
        (BadInput, "bad_input"),
        (NotFound, "not_found"),
        (Unavailable, "unavailable"),
        (Misconfigured, "misconfigured"),
    ],
)
def test_an_error_has_a_stable_code_words_and_facts(kind, code):
    plain = kind("No.")
    assert (plain.code, plain.message, plain.facts, str(plain)) == (code, "No.", {}, "No.")
    precise = kind("No.", code="over_limit", missing_cents=5)
    assert (precise.code, precise.facts) == ("over_limit", {"missing_cents": 5})


def test_whatever_is_not_found_is_bad_input_too():
    assert issubclass(NotFound, BadInput)
    assert all(issubclass(kind, errors.BursarError) for kind in (Refused, BadInput, Unavailable, Misconfigured))


def test_a_traceback_begins_with_the_message_and_goes_on_with_the_stack():
    with pytest.raises(TypeError) as raised:
        answer()["x"]
    lines = format_traceback(raised.value).splitlines()
    assert lines[0] == str(raised.value)
    assert lines[1] == "Traceback (most recent call last):"
    assert 'answer()["x"]' in "".join(lines)


def test_a_refusal_says_what_its_error_says_and_keeps_facts_of_its_own():
    error = Refused("Too dear.", code="over_limit", missing_cents=5)
    refusal = Refusal.of(error)
    error.facts["missing_cents"] = 6
    assert (refusal.code, refusal.message, refusal.facts) == ("over_limit", "Too dear.", {"missing_cents": 5})


def test_parts_of_a_bulk_call_add_up_to_one_answer():
    whole: BulkResult[str, int] = BulkResult({"a": 1}, {"x": Refusal("no", "No.")})
    whole.merge(BulkResult({"b": 2}, {"y": Refusal("no", "No.")}))
    assert whole.done == {"a": 1, "b": 2}
    assert list(whole.refused) == ["x", "y"]
    assert BulkResult().done is not BulkResult().done


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(0, 3, []), (2, 3, [[0, 1]]), (3, 3, [[0, 1, 2]]), (7, 3, [[0, 1, 2], [3, 4, 5], [6]])],
)
def test_a_list_is_cut_into_chunks_in_order(count, size, expected):
    assert list(chunks(range(count), size)) == expected


def test_chunks_are_as_long_as_the_setting_says_and_are_read_one_at_a_time(settings):
    settings.BURSAR = {"chunk_size": 2}
    source = iter(range(10))
    assert next(chunks(source)) == [0, 1]
    assert next(source) == 2


def test_an_object_that_a_setting_names_is_made_once(settings):
    settings.BURSAR = {"mail_port": f"{__name__}.Fake"}
    assert isinstance(backend("mail_port"), Fake)
    assert backend("mail_port") is backend("mail_port")


def test_a_function_that_a_setting_names_is_kept_as_it_is(settings):
    settings.BURSAR = {"address_verifier": f"{__name__}.answer"}
    assert backend("address_verifier")() == "answer"


def test_a_changed_setting_changes_the_object(settings):
    settings.BURSAR = {"mail_port": f"{__name__}.Fake"}
    first = backend("mail_port")
    settings.BURSAR = {"mail_port": f"{__name__}.answer"}
    assert backend("mail_port") is not first
    assert backend("mail_port") is answer or backend("mail_port")() == "answer"


@pytest.mark.parametrize("path", ["nowhere.at_all", f"{__name__}.Nothing"])
def test_an_object_that_cannot_be_imported_is_refused_by_the_name_of_its_setting(settings, path):
    settings.BURSAR = {"mail_port": path}
    with pytest.raises(Misconfigured, match="^BURSAR_MAIL_PORT names ") as refusal:
        backend("mail_port")
    assert refusal.value.facts == {"setting": "mail_port"}
