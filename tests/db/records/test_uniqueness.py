"""One assignment per configuration, person and content: addresses by their normal form, keys of content exactly."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from tests.db.records.rows import make_assignment, make_configuration, new_assignment, raw, stored

from bursar.assignments.models import LearnerContentAssignment
from bursar.people.keys import key_of

pytestmark = pytest.mark.django_db
SAME = [
    ("ann@example.org", "Ann@Example.ORG"),
    ("ann@example.org", "ANN@EXAMPLE.ORG"),
    ("ann@example.org", "  ann@example.org\t"),
    ("ann@example.org", "\u200bann@example.org\u00a0"),
    ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ("ann@BÜCHER.example", "ann@bücher.example"),
    ("josé@example.org", "jose\u0301@example.org"),
    ("JOSÉ@example.org", "josé@example.org"),
    ("ann@example.org", "\uff41nn@example.org"),
    ("ΣΊΣΥΦΟΣ@example.org", "σίσυφος@example.org"),
]
DISTINCT = [
    ("jose@example.org", "josé@example.org"),
    ("groß@example.org", "gross@example.org"),
    ("ann@groß.example", "ann@gross.example"),
    ("ann@example.org", "ann@example.com"),
    ("ann@example.org", "ann+course@example.org"),
    ("a.nn@example.org", "ann@example.org"),
    ("\u0131@example.org", "i@example.org"),
    ("muller@example.org", "müller@example.org"),
]


@pytest.fixture
def configuration():
    return make_configuration()


def clashes(configuration, first, second):
    """Tell whether the second of two assignments of the same content is refused by the database."""
    make_assignment(configuration, **first)
    try:
        with transaction.atomic():
            make_assignment(configuration, **second)
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(("first", "second"), SAME)
def test_spellings_of_one_address_are_one_person(configuration, first, second):
    assert clashes(configuration, {"learner_email": first}, {"learner_email": second})
    assert LearnerContentAssignment.objects.count() == 1


@pytest.mark.parametrize(("first", "second"), SAME)
def test_validation_finds_a_twin_before_the_database_does(configuration, first, second):
    make_assignment(configuration, learner_email=first).full_clean()
    twin = new_assignment(configuration, learner_email=second)
    with pytest.raises(ValidationError, match="already exists"):
        twin.full_clean()


@pytest.mark.parametrize(("first", "second"), DISTINCT)
def test_validation_knows_different_addresses(configuration, first, second):
    make_assignment(configuration, learner_email=first)
    new_assignment(configuration, learner_email=second).full_clean()


@pytest.mark.parametrize(("first", "second"), DISTINCT)
def test_different_addresses_are_different_people(configuration, first, second):
    assert not clashes(configuration, {"learner_email": first}, {"learner_email": second})
    assert LearnerContentAssignment.objects.count() == 2


@pytest.mark.parametrize(("first", "second"), [*SAME[:3], *DISTINCT[:2]])
def test_writing_in_bulk_is_no_way_around(configuration, first, second):
    records = [new_assignment(configuration, learner_email=email) for email in (first, second)]
    if key_of(first) != key_of(second):
        assert len(LearnerContentAssignment.bulk_create(records)) == 2
        return
    with pytest.raises(IntegrityError), transaction.atomic():
        LearnerContentAssignment.bulk_create(records)


def test_changing_an_address_is_no_way_around(configuration):
    make_assignment(configuration, learner_email="ann@example.org")
    other = make_assignment(configuration, learner_email="ben@example.org")
    other.learner_email = "ANN@example.org"
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        LearnerContentAssignment.objects.filter(pk=other.pk).update(learner_email="Ann@Example.org")
    assert stored(other).learner_email == "ben@example.org"


def test_the_first_spelling_is_kept_for_display(configuration):
    record = make_assignment(configuration, learner_email="Ann.O'Hara@Bücher.Example")
    assert stored(record).learner_email == "Ann.O'Hara@Bücher.Example"


def test_the_key_is_64_hexadecimal_digits_and_says_nothing(configuration):
    key = stored(make_assignment(configuration, learner_email="ann@example.org")).learner_email_key
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
    assert key == key_of("ANN@example.org")


@pytest.mark.parametrize("other", ["demox+d101", "DEMOX+D101", "DemoX+D101 ", "DémoX+D101", "DemoX+D102"])
def test_content_keys_compare_exactly(configuration, other):
    same = {"learner_email": "ann@example.org", "lms_user_id": 5}
    assert not clashes(configuration, {**same, "content_key": "DemoX+D101"}, {**same, "content_key": other})
    assert LearnerContentAssignment.objects.filter(content_key=other).count() == 1


def test_a_user_has_a_content_once_whatever_the_address(configuration):
    assert clashes(
        configuration,
        {"learner_email": "ann@example.org", "lms_user_id": 5},
        {"learner_email": "ben@example.org", "lms_user_id": 5},
    )


def test_users_not_known_yet_do_not_clash(configuration):
    assert not clashes(configuration, {"lms_user_id": None}, {"lms_user_id": None})


@pytest.mark.parametrize(
    "difference", [{"content_key": "Other+1"}, {"learner_email": "ben@example.org", "lms_user_id": 6}]
)
def test_another_content_or_person_does_not_clash(configuration, difference):
    same = {"learner_email": "ann@example.org", "lms_user_id": 5}
    assert not clashes(configuration, same, {**same, **difference})


def test_another_configuration_does_not_clash(configuration):
    same = {"learner_email": "ann@example.org", "lms_user_id": 5}
    make_assignment(configuration, **same)
    assert make_assignment(make_configuration(), **same).pk


@pytest.mark.parametrize("same", [{"learner_email": "ann@example.org"}, {"lms_user_id": 5}])
def test_the_state_does_not_matter(configuration, same):
    assert clashes(configuration, {**same, "state": "cancelled"}, {**same, "state": "allocated"})


def test_the_database_itself_keeps_it(configuration):
    """A writer that knows no model meets the same rule."""
    first = make_assignment(configuration, learner_email="ann@example.org", lms_user_id=5)
    second = make_assignment(configuration, learner_email="ben@example.org", lms_user_id=6)
    table = LearnerContentAssignment._meta.db_table
    key = LearnerContentAssignment._meta.pk.get_db_prep_value(second.pk, connection)
    with pytest.raises(IntegrityError), transaction.atomic():
        raw(f"UPDATE {table} SET lms_user_id = 5 WHERE uuid = %s", key)
    with pytest.raises(IntegrityError), transaction.atomic():
        raw(f"UPDATE {table} SET learner_email_key = %s WHERE uuid = %s", stored(first).learner_email_key, key)
    with pytest.raises(IntegrityError), transaction.atomic():
        raw(f"UPDATE {table} SET content_quantity = 1 WHERE uuid = %s", key)
