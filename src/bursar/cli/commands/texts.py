"""`bursar texts …`: a customer's own words for its mails, and mails that it does not want sent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import CustomerRef
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import texts as handlers
else:
    handlers = Later("bursar.cli.handlers.texts")

app = group("texts", "A customer's own words for its mails, and mails that are not sent at all.")

Kind = Annotated[
    str,
    typer.Argument(metavar="KIND", help="The kind of mail: assigned, reminded, digest, cancelled, expired or nudged."),
]
Language = Annotated[
    str, typer.Option("--language", metavar="CODE", help="Language, such as en or de; without it the customer's.")
]


@command(app, "list", example="bursar texts list acme-ltd")
def list_all(customer: CustomerRef) -> Answer:
    """Name the own texts of a customer, and the kinds of mail that it does not send."""
    return handlers.list_all(customer)


@command(app, "set", example='bursar texts set acme-ltd assigned --subject "A course for you" --body body.txt')
def set_text(
    customer: CustomerRef,
    kind: Kind,
    subject: Annotated[str, typer.Option("--subject", metavar="TEXT", help="The subject, one line.")],
    body: Annotated[Path, typer.Option("--body", metavar="FILE", help="A file with the body, plain text in UTF-8.")],
    language: Language = "",
) -> Answer:
    """Write to learners in words of one's own, in place of those that are built in.

    Placeholders: {{ name }}, {{ customer }}, {{ course_title }}, {{ link }}, {{ deadline }}, {{ price }}, {{ start }};
    in a digest {{ name }}, {{ customer }} and {{ courses }}. Blank lines part paragraphs; there is no other markup.
    """
    return handlers.set_text(customer, kind, language, subject=subject, body=body)


@command(app, "remove", example="bursar texts remove acme-ltd assigned --language de")
def remove(customer: CustomerRef, kind: Kind, language: Language = "") -> Answer:
    """Go back to the words that are built in."""
    return handlers.remove(customer, kind, language)


@command(app, "preview", example="bursar texts preview acme-ltd assigned --language de")
def preview(
    customer: CustomerRef,
    kind: Kind,
    language: Language = "",
    assignment: Annotated[
        str | None, typer.Option("--assignment", metavar="UUID", help="With the facts of this assignment, not samples.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="TEXT", help="With --body: try this text, without keeping it.")
    ] = None,
    body: Annotated[
        Path | None, typer.Option("--body", metavar="FILE", help="With --subject: a file with the body to try.")
    ] = None,
) -> Answer:
    """Show a mail as a learner with this language would read it, and say which text was used; nothing is sent."""
    if (subject is None) != (body is None):
        raise typer.BadParameter("give --subject and --body together")
    draft = None if subject is None or body is None else (subject, body)
    return handlers.show_preview(customer, kind, language, assignment=assignment, draft=draft)


@command(app, "mute", example="bursar texts mute acme-ltd nudged")
def mute(customer: CustomerRef, kind: Kind) -> Answer:
    """Send no more mails of a kind to a customer's learners; those that come up are dropped when they would leave."""
    return handlers.set_muted(customer, kind, muted=True)


@command(app, "unmute", example="bursar texts unmute acme-ltd nudged")
def unmute(customer: CustomerRef, kind: Kind) -> Answer:
    """Send mails of a kind again."""
    return handlers.set_muted(customer, kind, muted=False)
