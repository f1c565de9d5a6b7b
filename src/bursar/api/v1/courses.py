"""Courses and their runs over our own API: looked up by whoever assigns, imported from files by operators."""

from io import BufferedReader
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from bursar.api.rendering import answer
from bursar.api.v1.catalogs import usable_catalog
from bursar.api.v1.errors import UnsupportedMedia
from bursar.api.v1.paging import Paging, page
from bursar.api.v1.schemas import Line, Moment, Out, PageOf, QueryFlag
from bursar.api.v1.scope import require, require_anywhere
from bursar.api.v1.uploads import Body
from bursar.assignments import flows
from bursar.catalog.files import TEXT_LENGTH
from bursar.catalog.models import Course, Run
from bursar.catalog.selectors import courses, find_course
from bursar.people.access import Permission

router: Final = Router(tags=["courses"])
FILE: Final = {
    "requestBody": {
        "required": True,
        "description": "A CSV file with a header, UTF-8 unless `encoding` says otherwise.",
        "content": {
            "text/csv": {
                "schema": {"type": "string", "minLength": 1},
                "example": "key,title,price_usd\nDemoX+D101,Demonstrations,49.00\n",
            }
        },
    }
}


Words = Annotated[Line, Field(max_length=TEXT_LENGTH)]
Encoding = Annotated[Line, Field(max_length=40)]


class RunOut(Out):
    """A session of a course; a null date sets no limit."""

    key: str
    start: Moment | None
    end: Moment | None
    enroll_by: Moment | None
    active: bool


class CourseOut(Out):
    """A course and its runs."""

    key: str = Field(examples=["DemoX+D101"])
    title: str
    partner: str
    price_cents: int | None = Field(description="Null when unknown, 0 when free.")
    currency: str
    pacing: str
    weeks: int | None
    level: str
    subject: str
    language: str
    course_type: str
    url: str
    active: bool = Field(description="Whether it is on offer.")
    runs: list[RunOut]


class CoursePage(PageOf[CourseOut]):
    """A page of courses."""


class RefusedRow(Out):
    """A row that was left out."""

    line: int
    input: str
    code: str
    message: str


class ImportOut(Out):
    """What an import did, by rows."""

    created: int
    updated: int
    unchanged: int
    refused: list[RefusedRow]
    rescheduled: int = Field(description="How many open assignments expire at another time now.")


class CourseFilters(Paging):
    """Which courses."""

    search: Words = Field("", description="Part of the key or the title.")
    partner: Words = ""
    subject: Words = ""
    catalog: UUID | None = Field(None, description="Only what this named catalog offers.")
    active: QueryFlag | None = None


class ImportOptions(BaseModel):
    """What the file holds, and how it is written."""

    kind: Literal["courses", "runs"]
    encoding: Encoding | None = Field(None, examples=["latin-1"])


@router.get("/courses", response=CoursePage)
def list_courses(request: HttpRequest, filters: Query[CourseFilters]) -> HttpResponse:
    """Name courses with their runs, by key."""
    require_anywhere(request, Permission.READ_CUSTOMER)
    catalog = None if filters.catalog is None else usable_catalog(request, filters.catalog)
    wanted = filters.model_dump(include={"search", "partner", "subject", "active"})
    return page(request, courses(catalog=catalog, **wanted), filters, ("key",), course_shape)


@router.get("/courses/{path:key}", response=CourseOut)
def get_course(request: HttpRequest, key: str) -> HttpResponse:
    """Tell what is known of a course; the key of a run finds its course."""
    require_anywhere(request, Permission.READ_CUSTOMER)
    return answer(course_shape(find_course(key)))


@router.post("/courses", response=ImportOut, openapi_extra=FILE)
def import_courses(request: HttpRequest, options: Query[ImportOptions]) -> HttpResponse:
    """Take a file of courses or of runs into the catalog. The same file again changes nothing.

    A fault of the whole file refuses the file, a fault of a row refuses the row. Moves the expiries that follow from
    changed dates. Takes `configuration.write` everywhere.
    """
    require(request, Permission.CONFIGURE, None)
    if request.content_type != "text/csv":
        raise UnsupportedMedia("Send the file itself, with Content-Type: text/csv.")
    result, moved = flows.import_catalog(options.kind, BufferedReader(Body(request)), encoding=options.encoding)
    refused = [
        {"line": row.line, "input": row.input, "code": row.code, "message": row.message} for row in result.refused
    ]
    done = {"created": result.created, "updated": result.updated, "unchanged": result.unchanged}
    return answer({**done, "refused": refused, "rescheduled": moved})


def course_shape(row: Course) -> dict[str, Any]:
    """Return a course loaded with its runs as JSON."""
    names = ("key", "title", "partner", "price_cents", "currency", "pacing", "weeks", "level", "subject", "language")
    rest = ("course_type", "url", "active")
    return {name: getattr(row, name) for name in (*names, *rest)} | {"runs": [_run(run) for run in row.runs.all()]}


def _run(row: Run) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("key", "start", "end", "enroll_by", "active")}
