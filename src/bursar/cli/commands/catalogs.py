"""`bursar catalog …`: courses, their runs, and named choices of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import Encoding, Limit, Page
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import catalogs as handlers
else:
    handlers = Later("bursar.cli.handlers.catalogs")

app = group("catalog", "Courses, their runs, and named choices of them.")


@command(app, "import", example="bursar catalog import courses.csv runs.csv")
def import_files(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files of courses or of runs (CSV), in any order.")
    ],
    encoding: Encoding = None,
) -> Answer:
    """Take files of courses and runs into the catalog; the same file again changes nothing.

    What a file holds is told by its header. Courses need key, title and price_usd (dollars); runs need run_key and
    course_key. Changed deadlines move the expiries that follow from them.
    """
    return handlers.import_files(paths, encoding=encoding)


@command(app, "list", example="bursar catalog list --search python")
def list_courses(
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="Only courses with this in key or title, capitals or not.")
    ] = "",
    catalog: Annotated[
        str | None, typer.Option("--catalog", metavar="CATALOG", help="Only courses that this named catalog offers.")
    ] = None,
    named: Annotated[bool, typer.Option("--named", metavar="", help="Name the named catalogs instead.")] = False,
    limit: Limit = 50,
    page: Page = 1,
) -> Answer:
    """Name the courses, or with --named the named catalogs."""
    if named:
        return handlers.list_catalogs()
    return handlers.list_courses(search=search, catalog=catalog, limit=limit, page=page)


@command(app, "show", example="bursar catalog show HarvardX+PH125.1x")
def show(key: Annotated[str, typer.Argument(metavar="KEY", help="Key of a course or of one of its runs.")]) -> Answer:
    """Tell what is known of a course and its runs."""
    return handlers.show(key)


@command(app, "create", example='bursar catalog create "Data science" --subject "Data Analysis & Statistics"')
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Its title.")],
    customer: Annotated[
        str | None,
        typer.Option("--customer", metavar="CUSTOMER", help="Whose it is, by uuid or slug; without it everybody's."),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--keys", metavar="KEYS", help="Keys of courses or runs, separated by commas; may be repeated."),
    ] = None,
    partner: Annotated[
        list[str] | None, typer.Option("--partner", metavar="TEXT", help="Courses of this partner; may be repeated.")
    ] = None,
    subject: Annotated[
        list[str] | None, typer.Option("--subject", metavar="TEXT", help="Courses of this subject; may be repeated.")
    ] = None,
) -> Answer:
    """Make a named catalog for budgets: of listed keys, of partners and subjects, or of every course."""
    if keys and (partner or subject):
        raise typer.BadParameter("give either --keys, or --partner and --subject")
    listed = [key.strip() for text in keys or () for key in text.split(",") if key.strip()]
    if keys and not listed:
        raise typer.BadParameter("--keys names no key")
    return handlers.create(title, customer=customer, keys=listed, partners=partner or (), subjects=subject or ())
