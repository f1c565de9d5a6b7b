"""Message texts: which mails there are, in whose words, as they will look; and kinds that are not sent at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from bursar.admin_portal.settings.places import NOT_READ, address, go, show
from bursar.admin_portal.settings.words import KINDS, PLACEHOLDERS, WHEN, said
from bursar.assignments import services
from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.flows.previews import preview
from bursar.assignments.models import MessageText
from bursar.assignments.services.policies import MUTABLE
from bursar.assignments.texts import LONGEST_BODY, LONGEST_SUBJECT, NOT_IN_SUBJECT, REQUIRED, OwnText, check_kind
from bursar.assignments.texts import PLACEHOLDERS as ALLOWED
from bursar.kernel.errors import BadInput
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.letters import framed, framed_words
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission
from bursar.people.files import read_language

PAGE: Final = "settings_texts"
LONGEST_LANGUAGE: Final = 16


class TextForm(forms.Form):
    """A subject and a body; what they may hold is asked of the rules."""

    subject = forms.CharField(label=gettext_lazy("Subject"), required=False, max_length=LONGEST_SUBJECT * 2)
    body = forms.CharField(
        label=gettext_lazy("Text"), required=False, max_length=LONGEST_BODY * 2, strip=False,
        help_text=gettext_lazy("An empty line begins a new paragraph. Head and foot of the mail are added by themselves."),
        widget=forms.Textarea(attrs={"rows": 14}),
    )  # fmt: skip

    @property
    def given(self) -> dict[str, str]:
        """What was typed, as the rules take it."""
        return {"subject": self.cleaned_data["subject"], "body": self.cleaned_data["body"]}


@dataclass(frozen=True, slots=True)
class Language:
    """One language in which a kind of mail may have a text of its own."""

    code: str
    name: str
    url: str
    own: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mail as the list shows it."""

    code: str
    name: str
    when: str
    languages: list[Language]
    muted: bool
    may_be_muted: bool


@require_safe
@admin_page(Permission.NOTIFY)
def texts(request: PageRequest) -> HttpResponse:
    """Show every kind of mail, the languages in which it has a text of its own, and those that are not sent."""
    customer = request.viewer.customer
    own = services.texts_of(customer.pk, actor=request.viewer.actor)
    muted = services.policy_of(customer.pk).muted
    kinds = [_kind(request, code, own, muted) for code in ALLOWED]
    return show(request, PAGE, "texts.html", {"kinds": kinds})


def _kind(request: PageRequest, code: str, own: Iterable[MessageText], muted: list[str]) -> Kind:
    written = {row.language for row in own if row.kind == code}
    languages = [
        Language(it, _named(it), address(request, "settings_text", kind=code, language=it), it in written)
        for it in _languages(request, written)
    ]
    stopped = (MessageKind.REMINDED if code == DIGEST else code) in muted
    return Kind(code, str(KINDS[code]), str(WHEN[code]), languages, stopped, code in MUTABLE)


def _languages(request: PageRequest, written: Iterable[str]) -> list[str]:
    """Return the languages to offer: the organisation's first, those into which ours are translated, what is written."""
    known = (code for code, _ in settings.LANGUAGES)
    return list(dict.fromkeys([request.viewer.customer.language or "en", *known, *sorted(written)]))


def _named(code: str) -> str:
    return dict(settings.LANGUAGES).get(code, code)


@readable_or_sent
@admin_page(Permission.NOTIFY)
def text(request: PageRequest, kind: str, language: str) -> HttpResponse:
    """Show the text of a kind of mail in a language as it will look, and keep another one on POST."""
    which = _read(kind, language)
    row = _own(request, *which)
    sent = request.method == "POST"
    form = TextForm(request.POST if sent else None, initial={"subject": row.subject, "body": row.body} if row else None)
    if sent and form.is_valid() and _keep(request, which, form):
        messages.success(request, gettext("The text is kept. The next mails of this kind have it."))
        return go(request, "settings_text", kind=which[0], language=which[1])
    return show(request, PAGE, "text.html", _facts(request, which, row, form), status=NOT_READ if sent else None)


def _read(kind: str, language: str) -> tuple[str, str]:
    """Return kind and language of an address; 404 for what is none."""
    try:
        known = read_language(language)
        if not known or len(known) > LONGEST_LANGUAGE:
            raise Http404
        return check_kind(kind), known
    except BadInput as error:
        raise Http404 from error


def _own(request: PageRequest, kind: str, language: str) -> MessageText | None:
    return MessageText.objects.filter(
        customer_uuid=request.viewer.customer.pk, kind=kind, language=language
    ).first()  # fmt: skip


def _keep(request: PageRequest, which: tuple[str, str], form: TextForm) -> bool:
    """Keep what was typed, or say at its place what is wrong with it."""
    viewer = request.viewer
    try:
        services.set_text(viewer.customer.pk, *which, **form.given, actor=viewer.actor)
    except BadInput as error:
        part = error.facts.get("part")
        form.add_error(part if part in form.fields else None, said(error))
        return False
    return True


def _facts(request: PageRequest, which: tuple[str, str], row: MessageText | None, form: TextForm) -> dict[str, Any]:
    kind, language = which
    where = {"kind": kind, "language": language}
    return {
        "kind": KINDS[kind],
        "when": WHEN[kind],
        "language": _named(language),
        "row": row,
        "form": form,
        "placeholders": [
            (f"{{{{ {name} }}}}", PLACEHOLDERS[name], name == REQUIRED.get(kind), name in NOT_IN_SUBJECT)
            for name in ALLOWED[kind]
        ],
        "mail_url": address(request, "settings_text_mail", **where),
        "reset_url": address(request, "settings_text_reset", **where),
        "muted": (MessageKind.REMINDED if kind == DIGEST else kind)
        in services.policy_of(request.viewer.customer.pk).muted,
    }


@readable_or_sent
@xframe_options_sameorigin
@admin_page(Permission.NOTIFY)
def mail(request: PageRequest, kind: str, language: str) -> HttpResponse:
    """Show, in a frame, the mail with sample facts as it is; on POST with the text that is sent, which is not kept."""
    which = _read(kind, language)
    try:
        draft = _draft(request, which) if request.method == "POST" else None
    except BadInput as error:
        return framed_words(gettext("This text cannot be shown yet"), said(error))
    seen = preview(
        request.viewer.customer, which[0], actor=request.viewer.actor, language=which[1], draft=draft
    ).rendered
    head = render_to_string("admin_portal/settings/letter_head.html", {"seen": seen})
    foot = render_to_string("admin_portal/settings/letter_foot.html", {"seen": seen})
    html = seen.html.replace("</body>", f"{foot}</body>", 1)
    opening, body, rest = html.partition("<body")
    tag, end, inside = rest.partition(">")
    return framed(f"{opening}{body}{tag}{end}{head}{inside}")


def _draft(request: PageRequest, which: tuple[str, str]) -> OwnText:
    given = {name: request.POST.get(name, "") for name in ("subject", "body")}
    return services.read_text(*which, **given)


@require_POST
@admin_page(Permission.NOTIFY)
def reset(request: PageRequest, kind: str, language: str) -> HttpResponse:
    """Go back to the text that is built in; again changes nothing."""
    which = _read(kind, language)
    if _own(request, *which):
        services.remove_text(request.viewer.customer.pk, *which, actor=request.viewer.actor)
    messages.success(request, gettext("The standard text is used again."))
    return go(request, "settings_text", kind=which[0], language=which[1])


@require_POST
@admin_page(Permission.NOTIFY)
def mute(request: PageRequest) -> HttpResponse:
    """Stop a kind of mail, or let it be sent again."""
    kind, muted = request.POST.get("kind", ""), request.POST.get("muted") == "yes"
    try:
        services.set_muted(request.viewer.customer.pk, kind, muted=muted, actor=request.viewer.actor)
    except BadInput as error:
        messages.error(request, said(error))
    else:
        done = gettext("Mails of this kind are not sent any more.") if muted else gettext("They are sent again.")
        messages.success(request, done)
    return go(request, PAGE)
