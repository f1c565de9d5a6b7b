"""Bodies that are too large, too deep or no text (row G7)."""

import json

import pytest

from bursar.api.parsing import DEEPEST, BoundedParser
from bursar.api.v1.uploads import CSV, JSON_LINES


def parse(text):
    class Request:
        body = text if isinstance(text, bytes) else text.encode()

    return BoundedParser().parse_body(Request)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/nothing", "application/problem+json"), ("/api/nothing", "application/json"), ("/", "text/html")],
)
def test_a_body_over_the_limit_is_refused_in_the_form_of_the_address(client, configure, path, kind):
    configure(request_limit_bytes=1000)
    answer = client.post(path, "x" * 1001, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (413, kind)
    assert client.post(path, "x" * 1000, content_type="application/json").status_code in {404, 405}


class Unread:
    """A body that must not be touched."""

    def read(self, *_):
        raise AssertionError("the body was read")


def test_it_is_refused_before_it_is_read(rf, settings):
    from django.core.handlers.base import BaseHandler

    request = rf.post("/v1/nothing", content_type="application/json")
    request.META["CONTENT_LENGTH"] = str(settings.BURSAR["request_limit_bytes"] + 1)
    request._stream = Unread()
    handler = BaseHandler()
    handler.load_middleware()
    assert handler.get_response(request).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999999", "abc", "٣"])
def test_a_length_that_is_none_is_refused(rf, length):
    from bursar.project.bounds import Bounds

    request = rf.post("/v1/nothing")
    request.META["CONTENT_LENGTH"] = length
    assert Bounds(lambda _: None)(request).status_code == 413


@pytest.mark.parametrize("path", ["/v1/nothing", "/api/nothing", "/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(rf, path, method):
    from bursar.project.bounds import Bounds

    request = rf.generic(method, path, headers={"Transfer-Encoding": "chunked"})
    answer = Bounds(lambda _: None)(request)
    assert answer.status_code == 411
    assert path != "/v1/nothing" or json.loads(answer.content)["code"] == "length_required"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_only_reads_minds_no_chunks(rf, method):
    from bursar.project.bounds import Bounds

    assert Bounds(lambda _: None)(rf.generic(method, "/", headers={"Transfer-Encoding": "chunked"})) is None


def test_files_have_a_limit_of_their_own(client, configure):
    configure(request_limit_bytes=10, file_limit_bytes=1000)
    for kind in (CSV, *JSON_LINES):
        assert client.post("/v1/nothing", "x" * 1000, content_type=kind).status_code == 404
    assert client.post("/v1/nothing", "x" * 1000, content_type="application/json").status_code == 413
    assert client.post("/v1/nothing", "x" * 70_000, content_type="text/csv").status_code == 413


def test_what_is_nested_within_reason_is_read():
    depth = DEEPEST
    assert parse("[" * depth + "]" * depth)
    assert parse('{"a":' * depth + "1" + "}" * depth)
    assert len(parse("[" + "[],{}," * 1000 + "[]]")) == 2001


@pytest.mark.parametrize("depth", [DEEPEST + 1, 1000, 10_000, 1_000_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_deeper_is_refused(depth, pair):
    with pytest.raises(ValueError):
        parse(pair[0] * depth + "1" + pair[1] * depth)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"NaN",
        b"Infinity",
        b'"\\ud800"',
        b"{'a': 1}",
    ],
)
def test_what_is_no_json_that_can_be_kept_is_refused(text):
    with pytest.raises(ValueError):
        parse(text)
