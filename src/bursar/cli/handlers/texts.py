"""Own texts of customers from the command line."""

from pathlib import Path

from bursar.assignments import services
from bursar.assignments.flows.previews import Preview, preview
from bursar.assignments.models import MessageText
from bursar.assignments.texts import LONGEST_BODY
from bursar.cli.handlers.shapes import Shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import date_text, uuid_of
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput
from bursar.people.selectors import find_customer

LONGEST_FILE = LONGEST_BODY * 4 + 3  # bytes: no letter takes more in UTF-8, and there may be a mark before them


def list_all(reference: str) -> Answer:
    """Name the own texts of a customer, and the kinds that it does not send."""
    customer = find_customer(reference, None)
    rows = services.texts_of(customer.pk, actor=CONSOLE)
    muted = services.policy_of(customer.pk).muted
    data = {"texts": [_shape(row) for row in rows], "muted": muted}
    shown = table(
        ("Kind", "Language", "Subject", "Changed"),
        [(row.kind, row.language, row.subject, date_text(row.modified)) for row in rows],
    )
    parts: list[Part] = [shown if rows else "Every mail has the text that is built in."]
    parts += [f"Not sent at all: {', '.join(muted)}"] if muted else []
    return Answer(data, parts)


def set_text(reference: str, kind: str, language: str, *, subject: str, body: Path) -> Answer:
    """Keep an own text."""
    customer = find_customer(reference, None)
    row = services.set_text(
        customer.pk, kind, language or customer.language, subject=subject, body=_read(body), actor=CONSOLE
    )
    see = f"See it with: bursar texts preview {customer.slug} {kind} --language {row.language}"
    return Answer(_shape(row), (f"{kind} mails in {row.language} have this text now. {see}",))


def remove(reference: str, kind: str, language: str) -> Answer:
    """Go back to the built-in text."""
    customer = find_customer(reference, None)
    wanted = language or customer.language
    services.remove_text(customer.pk, kind, wanted, actor=CONSOLE)
    said = f"{kind} mails in {wanted} have the text that is built in again."
    return Answer({"kind": kind, "language": wanted, "removed": True}, (said,))


def show_preview(
    reference: str, kind: str, language: str, *, assignment: str | None, draft: tuple[str, Path] | None
) -> Answer:
    """Show a mail as a learner would read it."""
    customer = find_customer(reference, None)
    wanted = language or customer.language
    text = None
    if draft is not None:
        text = services.read_text(kind, wanted, subject=draft[0], body=_read(draft[1]))
    key = uuid_of(assignment, "an assignment") if assignment else None
    seen = preview(customer, kind, actor=CONSOLE, language=language, assignment=key, draft=text)
    return _shown(seen, kind, is_draft=text is not None)


def set_muted(reference: str, kind: str, *, muted: bool) -> Answer:
    """Stop a kind of mail, or send it again."""
    customer = find_customer(reference, None)
    row = services.set_muted(customer.pk, kind, muted=muted, actor=CONSOLE)
    said = f"{kind} mails are {'not sent any more' if muted else 'sent'}."
    return Answer({"customer": customer.pk, "muted": row.muted}, (said,))


def _read(path: Path) -> str:
    """Return what a file holds; raises `BadInput` for what is no text."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise BadInput(f"The file cannot be read: {error.strerror}.", code="file_unreadable") from None
    if len(content) > LONGEST_FILE:
        raise BadInput(f"The body is longer than {LONGEST_BODY} characters.", code="text_too_long", part="body")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("The file with the body is not UTF-8.", code="invalid_encoding") from None


def _shape(row: MessageText) -> Shape:
    names = ("kind", "language", "subject", "body", "created", "modified")
    return {"customer": row.customer_uuid} | {name: getattr(row, name) for name in names}


def _shown(seen: Preview, kind: str, *, is_draft: bool) -> Answer:
    mail = seen.rendered
    data = {
        "kind": kind,
        "source": seen.source,
        "language": seen.language,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "not_sent": seen.why_not,
    }
    source = f"the customer's own, in {seen.language}" if seen.language else "the one that is built in"
    named = facts((("Text", f"{source}{', not kept' if is_draft else ''}"), ("Subject", mail.subject)))
    notes = (f"Note: this customer sends no such mail: {seen.why_not}.",) if seen.why_not else ()
    return Answer(data, (named, heading("Mail"), mail.text), notes)
