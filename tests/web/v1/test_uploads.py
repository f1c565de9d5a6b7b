"""Files in the body of a request: whole or not at all, whatever the server's own stream does with lines."""

from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from tests.web.v1.assigning import FILE, offer
from tests.web.v1.caller import code

from bursar.api.v1.uploads import read_upload
from bursar.assignments.models import AllocationBatch, AllocationPlan
from bursar.catalog.models import Course
from bursar.testing.factories import make_course

LINES = "".join(f'{{"email": "person{number}@example.org"}}\n' for number in range(5))


class Careless(BytesIO):
    """A stream as a web server may give it: its lines end before their end, and the second one is empty."""

    def readline(self, size=-1, /):
        return super().readline(size).rstrip(b"\n") if self.tell() == 0 else b""


def upload(text, content_type):
    body = text.encode()
    environment = RequestFactory()._base_environ(
        **{
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": Careless(body),
        }
    )
    return read_upload(WSGIRequest(environment))


@pytest.mark.parametrize(("text", "kind"), [(LINES, "application/x-ndjson"), ("email\na@x.org\nb@x.org\n", "text/csv")])
def test_lines_are_not_left_to_the_server(text, kind):
    assert len(upload(text, kind).people.people) == text.count("@")


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("plans/file?{offer}", FILE, "text/csv"),
        ("batches/file?{offer}", LINES, "application/x-ndjson"),
        ("courses?kind=courses", "key,title,price_usd\nX+1,First,49.00\n", "text/csv"),
    ],
)
@pytest.mark.django_db
def test_what_arrived_of_a_file_whose_sender_was_cut_off_is_no_file(operator, house, path, text, kind):
    make_course()
    cut = {"wsgi.input": Careless(text.encode()), "CONTENT_LENGTH": "5000"}
    how = {"authorization": f"Bearer {operator.token}", "idempotency-key": "k"}
    address = f"/v1/{path.format(offer=urlencode(offer(house)))}"
    answer = operator.client.generic("POST", address, text, content_type=kind, headers=how, **cut)
    assert code(answer) == (400, "incomplete_body")
    without = {"wsgi.input": Careless(text.encode()), "CONTENT_LENGTH": ""}
    answer = operator.client.generic("POST", address, text, content_type=kind, headers=how, **without)
    assert code(answer) == (411, "length_required")
    assert not AllocationPlan.objects.exists()
    assert not AllocationBatch.objects.exists()
    assert Course.objects.count() == 1
