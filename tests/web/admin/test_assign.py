"""Assigning on the pages: a course is chosen, people are named, the plan is looked at, done exactly, and undone."""

import csv
import io
from datetime import timedelta

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from python_calamine import CalamineWorkbook
from tests.db.verbs.steps import accept, assigned, later, tick
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments import services
from bursar.assignments.models import AllocationBatch, AllocationPlan, LearnerContentAssignment
from bursar.budgets.models import Budget
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10
COURSE = "DemoX+D101"
CHOSEN = "content=DemoX%2BD101"


def at(budget, rest=""):
    return f"/admin-portal/acme/budgets/{budget.pk}/assign/{rest}"


def people_at(budget, query=CHOSEN):
    return at(budget, f"people/?{query}")


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def planned(page, budget, people="ada@example.org\ngrace@example.org", **sent):
    response = page.post(people_at(budget), sent or {"people": people})
    assert response.status_code == 302, words(response.text)
    return response.url, AllocationPlan.objects.get(pk=response.url.split("/")[-2])


def confirmed(page, budget, people="ada@example.org\ngrace@example.org", **sent):
    url, plan = planned(page, budget, people, **sent)
    response = page.post(f"{url}apply/", {"digest": plan.digest})
    assert response.status_code == 302
    return response.url


def workbook(*rows):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


# Choosing a course


def test_courses_are_offered_with_price_and_next_start(page, house):
    now = clock.now()
    factories.make_run(
        factories.make_course("DemoX+D2", title="Reading well"), "course-v1:D2+R", start=now + timedelta(days=20)
    )
    shown = text(page.get(at(house.budget)))
    assert "Writing well $49.00" in shown
    assert "Reading well" in shown
    assert "Next start" in shown


def test_what_has_begun_is_no_next_start_and_a_pace_is_said_in_words(page, house):
    now = clock.now()
    begun = factories.make_course("DemoX+D2", title="Reading well", pacing="self_paced")
    factories.make_run(begun, "course-v1:D2+R", start=now - timedelta(days=20))
    both = factories.make_course("DemoX+D3", title="Speaking well", pacing="instructor_paced")
    factories.make_run(both, "course-v1:D3+A", start=now - timedelta(days=20))
    factories.make_run(both, "course-v1:D3+B", start=now + timedelta(days=20))
    factories.make_course("DemoX+D4", title="Thinking well", pacing="in the evening")
    shown = text(page.get(at(house.budget)))
    assert "self-paced Began 2 Nov 2026 , enrolment is open" in shown
    assert "led by an instructor Next start 12 Dec 2026" in shown
    assert "in the evening" in shown
    assert "_paced" not in shown


def test_what_a_search_finds_takes_the_place_of_what_was_there(page, house):
    part = page.get(at(house.budget, "?q=writ"), headers={"HX-Request": "true"}).text
    assert "Writing well" in part
    assert 'id="found"' not in part


def test_a_search_finds_courses_by_their_title(page, house):
    factories.make_course("DemoX+D2", title="Reading well")
    shown = text(page.get(at(house.budget, "?q=READ")))
    assert "Reading well" in shown
    assert "Writing well" not in shown
    assert "No course is called so" in text(page.get(at(house.budget, "?q=nothing")))


def test_many_courses_are_shown_some_at_a_time(page, house):
    for number in range(30):
        factories.make_course(f"DemoX+N{number}", title=f"Number {number:02}")
    first = page.get(at(house.budget))
    assert "Number 00" in text(first)
    assert "Number 25" not in text(first)
    assert "Number 25" in text(page.get(at(house.budget, "?page=3")))
    ways = text(page.get(at(house.budget, "?page=2")))
    assert "Previous" in ways
    assert "Next" in ways
    assert "Older" not in ways
    assert text(page.get(at(house.budget, "?page=999"))) != ""


def test_what_cannot_be_assigned_says_why(page, house):
    course = factories.make_course("DemoX+D2", title="Reading well")
    factories.make_run(course, "course-v1:D2+R", enroll_by=clock.now() - timedelta(days=1))
    factories.make_course("DemoX+D3", title="Priceless", price_cents=None)
    shown = text(page.get(at(house.budget)))
    assert "Cannot be assigned: enrolment has closed." in shown
    assert "The catalog has no price for it." in shown


def test_runs_to_choose_from_say_until_when_or_why_not(page, house):
    course = factories.make_course("DemoX+D2", title="Reading well")
    now = clock.now()
    factories.make_run(course, "course-v1:D2+Open", start=now + timedelta(days=10), enroll_by=now + timedelta(days=9))
    factories.make_run(course, "course-v1:D2+Closed", enroll_by=now - timedelta(days=9))
    factories.make_run(course, "course-v1:D2+Gone", active=False)
    shown = text(page.get(people_at(house.budget, "content=DemoX%2BD2")))
    assert "enrolment has closed" in shown
    assert "not on offer" in shown
    chosen = page.get(people_at(house.budget, "content=DemoX%2BD2&run=course-v1:D2%2BOpen")).text
    assert chosen.count("Chosen") == 1


# Saying who


def test_choosing_another_run_keeps_the_people_who_are_written_already(page, house):
    course = factories.make_course("DemoX+D2", title="Reading well")
    factories.make_run(course, "course-v1:D2+Open", start=clock.now() + timedelta(days=10))
    other = people_at(house.budget, "content=DemoX%2BD2&run=course-v1:D2%2BOpen")
    response = page.post(other, {"people": "ada@example.org\nnot an address", "choose": ""})
    assert "ada@example.org not an address" in text(response)
    assert not AllocationPlan.objects.exists()
    buttons = Tags(response.text).all("button")
    (anew,) = [button for button in buttons if button.get("name") == "choose"]
    assert anew["formaction"] == people_at(house.budget, "content=DemoX%2BD2")


@pytest.mark.parametrize(
    "query", ["", "content=", "content=Nowhere", "content=%00", "content=DemoX%2BD101&run=" + "x" * 300]
)
def test_a_course_that_nobody_knows_is_not_there(page, house, query):
    assert page.get(people_at(house.budget, query)).status_code == 404


def test_a_slip_in_the_domain_of_the_people_known_here_is_seen_in_one_address(page, house):
    assigned(house.budget, [f"{name}@acme-learning.example" for name in ("ann", "ben", "cy")], COURSE)
    shown = text(page.post(at(house.budget, f"check/?{CHOSEN}"), {"people": "di@acme-learnign.example"}))
    assert "Line 1: di@acme-learnign.example – did you mean acme-learning.example?" in shown
    assert "did you mean" not in text(
        page.post(at(house.budget, f"check/?{CHOSEN}"), {"people": "di@acme-learn.example"})
    )


def test_a_check_says_what_a_list_comes_to_and_keeps_nothing(page, house):
    assigned(house.budget, ["old@example.org"], COURSE)
    people = "ada@example.org\nADA@example.org\nold@example.org\nnobody\njoan@gmial.com"
    shown = text(page.post(at(house.budget, f"check/?{CHOSEN}"), {"people": people}))
    assert "New 2" in shown
    assert "Unchanged 1" in shown
    assert "Line 2: ADA@example.org – named again, first in line 1" in shown
    assert "Line 4: nobody – Not an e-mail address." in shown
    assert "Line 5: joan@gmial.com – did you mean gmail.com?" in shown
    assert "Cost $98 Available $4,951 before Remaining $4,853 afterwards" in shown
    assert not AllocationPlan.objects.exists()
    assert LearnerContentAssignment.objects.count() == 1


def test_a_check_says_how_much_money_is_missing(page, house):
    people = "\n".join(f"learner{number}@example.org" for number in range(103))
    shown = text(page.post(at(house.budget, f"check/?{CHOSEN}"), {"people": people}))
    assert "$47.00 are missing. All get the course, or nobody does." in shown


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"people": ""}, "Write people into the field, or choose a file."),
        ({"people": " \n "}, "Write people into the field, or choose a file."),
        ({"people": "name,town\nAda,London"}, "There are columns that nobody knows"),
        ({"file": SimpleUploadedFile("p.csv", b"")}, "The file is empty."),
        ({"file": SimpleUploadedFile("p.csv", b"email\n")}, "Nobody is named."),
        ({"file": SimpleUploadedFile("p.csv", b"email\n\xff\xfe\xff")}, "The letters of the file cannot be read."),
        ({"file": SimpleUploadedFile("p.csv", b"email\na\0b@example.org\n")}, "The file holds bytes that are no text."),
        ({"file": SimpleUploadedFile("p.xlsx", b"PK\x03\x04nothing")}, "The file cannot be read."),
        ({"people": "a@example.org", "file": SimpleUploadedFile("p.csv", b"email\n")}, "not both"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_kept(page, house, sent, said):
    for file in [sent.get("file")]:
        if file:
            file.seek(0)
    response = page.post(people_at(house.budget), sent)
    assert response.status_code == 422
    assert said in words(response.text)
    assert not AllocationPlan.objects.exists()


def test_a_file_is_taken_as_csv_or_as_a_workbook(page, house):
    rows = (["E-mail", "Name"], ["ada@example.org", "Ada"], ["grace@example.org", "Grace"])
    sent = SimpleUploadedFile("people.xlsx", workbook(*rows))
    _, plan = planned(page, house.budget, file=sent)
    assert plan.created_count == 2
    sent = SimpleUploadedFile("people.csv", "\n".join(map(";".join, rows)).encode())
    _, plan = planned(page, house.budget, file=sent)
    assert plan.created_count == 2


# The plan, and doing it


def test_a_plan_shows_each_row_the_money_and_the_deadline(page, house):
    url, _ = planned(page, house.budget, "ada@example.org\nnobody")
    shown = text(page.get(url))
    assert "1 ada@example.org New $49.00" in shown
    assert "2 nobody" not in shown  # what is no address is not shown as a person's
    assert "Refused Not an e-mail address." in shown
    assert "90 days after the assignment" in shown
    assert "Assign exactly this for $49.00" in shown
    mail = text(page.get(f"{url}mail/"))
    assert "Writing well" in mail
    assert "It costs you nothing." in mail
    assert not LearnerContentAssignment.objects.exists()


def test_a_plan_asks_about_a_domain_that_looks_mistyped(page, house):
    url, _ = planned(page, house.budget, "ada@example.org\ngrace@gmial.com\n@gmial.com")
    shown = text(page.get(url))
    assert "grace@gmial.com New did you mean gmail.com?" in shown
    assert shown.count("did you mean") == 1


def test_the_mail_of_a_plan_is_shown_as_it_will_look(page, house):
    url, _ = planned(page, house.budget)
    (frame,) = Tags(page.get(f"{url}mail/").text).all("iframe")
    assert frame["src"] == f"{url}mail/?framed"
    letter = page.get(frame["src"])
    assert "<table" in letter.text
    assert "Writing well" in letter.text
    assert letter.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_confirming_does_exactly_the_plan_and_twice_does_it_once(page, house):
    url, plan = planned(page, house.budget)
    first = page.post(f"{url}apply/", {"digest": plan.digest})
    again = page.post(f"{url}apply/", {"digest": plan.digest})
    assert first.url == again.url
    assert LearnerContentAssignment.objects.count() == 2
    assert Budget.objects.get(pk=house.budget.pk).held_cents == 9_800
    shown = text(page.get(first.url))
    assert "1 ada@example.org New" in shown
    assert page.get(url).url == first.url


def test_a_plan_overtaken_by_others_is_not_done(page, house):
    url, plan = planned(page, house.budget)
    assigned(house.budget, ["ada@example.org"], COURSE)
    response = page.post(f"{url}apply/", {"digest": plan.digest}, follow=True)
    assert "Something has changed since the plan was made. Nothing was done." in text(response)
    assert LearnerContentAssignment.objects.count() == 1


@pytest.mark.parametrize("digest", ["", "0" * 64, "\0", "x" * 5000])
def test_a_digest_of_something_else_does_nothing(page, house, digest):
    url, _ = planned(page, house.budget)
    assert page.post(f"{url}apply/", {"digest": digest}).url == url
    assert not LearnerContentAssignment.objects.exists()


def test_a_plan_without_the_money_cannot_be_confirmed(page, house):
    url, plan = planned(page, house.budget, "\n".join(f"learner{number}@example.org" for number in range(103)))
    shown = text(page.get(url))
    assert "The budget has not enough money left. $47.00 are missing." in shown
    assert "Assign exactly this" not in shown
    assert "The plan can be confirmed until" not in shown
    assert "Nothing can be confirmed here. Make a new plan" in shown
    page.post(f"{url}apply/", {"digest": plan.digest})
    assert not LearnerContentAssignment.objects.exists()


def test_a_plan_given_up_forgets_its_people(page, house):
    url, plan = planned(page, house.budget)
    assert page.post(f"{url}discard/").status_code == 302
    assert not plan.parts.filter(rows__isnull=False).exists()
    assert "This plan is over" in text(page.get(url))


def test_a_plan_is_over_in_time(page, house):
    url, plan = planned(page, house.budget)
    with later(timedelta(days=400)):
        response = page.post(f"{url}apply/", {"digest": plan.digest}, follow=True)
    assert "This plan is over. Make a new one. Nothing was done." in words(response.text)


# What became of it


def test_rows_are_shown_some_at_a_time_and_by_outcome(page, house):
    people = [f"learner{number}@example.org" for number in range(60)]
    url = confirmed(page, house.budget, "\n".join([*people, "nobody", people[0]]))
    first = page.get(url)
    assert "learner49@example.org" in first.text
    assert "learner50@example.org" not in first.text
    assert "learner59@example.org" in page.get(first.context["page"].next_url).text
    assert "first in line 1" in text(page.get(f"{url}?outcome=twin"))
    refused = text(page.get(f"{url}?outcome=refused"))
    assert "Not an e-mail address." in refused
    assert "learner1@" not in refused
    for garbage in ("after=x", "after=1", "after=99999999999.1", "after=-1.-1", "outcome=x,y", "page=0"):
        assert page.get(f"{url}?{garbage}").status_code == 200


def test_results_are_taken_away_as_files(page, house):
    url = confirmed(page, house.budget, "ada@example.org\nnobody\nada@example.org")
    rows = list(csv.reader(io.StringIO(b"".join(page.get(f"{url}result.csv")).decode("utf-8-sig"))))
    assert rows == [
        ["Line", "E-mail", "Outcome", "Reason"],
        ["1", "ada@example.org", "New", ""],
        ["2", "", "Refused", "Not an e-mail address."],
        ["3", "", "Named again", "first in line 1"],
    ]
    assert page.get(f"{url}result.xlsx").status_code == 200
    assert page.get(f"{url}result.pdf").status_code == 404


def test_a_file_comes_back_as_it_was_with_results_beside_it(page, house):
    data = "Name;E-Mail\n=Ada;ada@example.org\nNobody;nobody\n".encode("utf-16")
    url = confirmed(page, house.budget, file=SimpleUploadedFile("p.csv", data))
    response = page.post(f"{url}beside/", {"file": SimpleUploadedFile("p.csv", data)})
    rows = list(csv.reader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    assert rows == [
        ["Name", "E-Mail", "Outcome", "Reason"],
        ["'=Ada", "ada@example.org", "New", ""],
        ["Nobody", "nobody", "Refused", "Not an e-mail address."],
    ]


def test_another_file_gets_no_results_of_people_it_does_not_name(page, house):
    data = "email\nada@example.org\ngrace@example.org\n"
    url = confirmed(page, house.budget, file=SimpleUploadedFile("p.csv", data.encode()))
    for other in ("email\ngrace@example.org\nada@example.org\n", "email\nada@example.org\n", "email\nada\ngrace\n"):
        response = page.post(f"{url}beside/", {"file": SimpleUploadedFile("p.csv", other.encode())}, follow=True)
        assert "This is not the file that was sent" in text(response)
    same = SimpleUploadedFile("p.csv", data.upper().encode())
    assert "New" in b"".join(page.post(f"{url}beside/", {"file": same})).decode()


def test_a_workbook_comes_back_as_a_workbook(page, house):
    data = workbook(["email"], ["ada@example.org"])
    url = confirmed(page, house.budget, file=SimpleUploadedFile("p.xlsx", data))
    response = page.post(f"{url}beside/", {"file": SimpleUploadedFile("p.xlsx", data)})
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response))).get_sheet_by_index(0).to_python()
    assert sheet == [["email", "Outcome", "Reason"], ["ada@example.org", "New", ""]]
    assert page.post(f"{url}beside/", {"file": SimpleUploadedFile("p.csv", b"")}).url == url
    assert page.post(f"{url}beside/").url == url


def test_what_was_assigned_is_taken_back_whole_while_nobody_has_accepted(page, house):
    url = confirmed(page, house.budget)
    assert "2 assignments were taken back." in text(page.post(f"{url}undo/", follow=True))
    assert Budget.objects.get(pk=house.budget.pk).held_cents == 0
    assert "Undone" in text(page.get(url))
    url = confirmed(page, house.budget)
    accept([LearnerContentAssignment.objects.get(learner_email="ada@example.org")])
    assert "It cannot be undone any more" in text(page.post(f"{url}undo/", follow=True))


def test_undoing_says_what_comes_back_by_now_and_is_not_offered_where_it_would_be_refused(page, house):
    url = confirmed(page, house.budget)
    assert "$98.00 become free at once" in text(page.get(url))
    ada, grace = LearnerContentAssignment.objects.order_by("learner_email")
    services.cancel_many([ada.pk], actor=CONSOLE)
    assert "$49.00 become free at once" in text(page.get(url))
    accept([grace])
    assert "Undo" not in text(page.get(url))


def test_a_plan_that_would_change_nothing_says_so_and_asks_for_no_confirmation(page, house):
    confirmed(page, house.budget)
    url, _ = planned(page, house.budget)
    shown = text(page.get(url))
    assert "has this course already: there is nothing to do." in shown
    assert "Assign exactly this" not in shown


def test_columns_that_nobody_knows_are_named(page, house):
    sent = SimpleUploadedFile("people.csv", b"E-mail,Shoe size,Rank\nada@example.org,44,1\n")
    response = page.post(people_at(house.budget), {"file": sent})
    assert response.status_code == 422
    assert "Found: Shoe size, Rank. Line 1." in words(response.text)


def test_a_large_one_is_filled_by_a_worker_and_shows_how_far_it_is(page, house, settings):
    settings.BURSAR = settings.BURSAR | {"inline_limit": 1}
    url = confirmed(page, house.budget)
    response = page.get(url)
    assert "Under way" in text(response)
    assert 'hx-trigger="every 2s"' in response.text
    assert "Undo" not in text(response)
    part = page.get(url, headers={"hx-request": "true"})
    assert "<html" not in part.text
    assert "Under way" in part.text
    assert "hx-refresh" not in part.headers
    tick()
    assert page.get(url, headers={"hx-request": "true"}).headers["hx-refresh"] == "true"
    assert "ada@example.org" in text(page.get(url))


def test_what_was_assigned_without_a_list_is_shown_row_by_row_too(page, house):
    assigned(house.budget, ["ada@example.org"], COURSE)
    batch = AllocationBatch.objects.get()
    assert "1 ada@example.org New" in text(page.get(at(house.budget, f"batches/{batch.pk}/")))


def test_what_was_assigned_so_far_is_listed(page, house):
    assert "Nothing was assigned yet" in text(page.get(at(house.budget, "batches/")))
    confirmed(page, house.budget)
    shown = text(page.get(at(house.budget, "batches/")))
    assert "Writing well" in shown
    assert "1–1 of 1" in shown


# Who may, and what it costs


def every_page(budget, plan, batch):
    return [
        "",
        people_at(budget).partition("assign/")[2],
        "batches/",
        f"plans/{plan}/",
        f"plans/{plan}/mail/",
        f"batches/{batch}/",
    ]


def test_no_page_takes_more_than_ten_statements_whatever_it_shows(page, house, django_assert_max_num_queries):
    for amount in (1, 60):
        people = "\n".join(f"p{amount}.{number}@example.org" for number in range(amount))
        batch = confirmed(page, house.budget, people).split("/")[-2]
        _, plan = planned(page, house.budget, people.replace("@", ".x@"))
        for rest in every_page(house.budget, plan.pk, batch):
            with django_assert_max_num_queries(STATEMENTS):
                text(page.get(at(house.budget, rest)))


def test_learners_and_strangers_see_nothing_of_it(page, house):
    batch = confirmed(page, house.budget).split("/")[-2]
    _, plan = planned(page, house.budget)
    learner = browser(factories.make_member(house.customer, Role.LEARNER, email="lee@example.org"))
    stranger = browser(factories.make_member(factories.make_customer("Other")))
    for rest in every_page(house.budget, plan.pk, batch):
        assert learner.get(at(house.budget, rest)).status_code == 403
        assert stranger.get(at(house.budget, rest)).status_code == 404
        assert Client().get(at(house.budget, rest)).status_code == 302
    assert learner.post(at(house.budget, f"plans/{plan.pk}/apply/"), {"digest": plan.digest}).status_code == 403


def test_plans_and_results_of_other_budgets_are_not_there(page, house):
    other = factories.make_house(name="Other", slug="other")
    stranger = browser(factories.make_member(other.customer))
    batch = confirmed(page, house.budget).split("/")[-2]
    _, plan = planned(page, house.budget)
    second = factories.make_budget(house.fund)
    for client, slug, budget in ((stranger, "other", other.budget), (page, "acme", second)):
        for rest in (f"plans/{plan.pk}/", f"batches/{batch}/", f"batches/{batch}/result.csv"):
            assert client.get(f"/admin-portal/{slug}/budgets/{budget.pk}/assign/{rest}").status_code == 404
        for rest in (f"plans/{plan.pk}/apply/", f"plans/{plan.pk}/discard/", f"batches/{batch}/undo/"):
            assert client.post(f"/admin-portal/{slug}/budgets/{budget.pk}/assign/{rest}").status_code == 404
    assert AllocationBatch.objects.count() == 1
    assert page.get(f"/admin-portal/acme/budgets/{other.budget.pk}/assign/").status_code == 404
