"""What staff may do to rows: each deed asks for a reason, calls one verb, and is logged in the commit of its effect."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Model
from unfold import widgets

from bursar.kernel.actor import Actor
from bursar.kernel.errors import BursarError, Refused
from bursar.kernel.history import because
from bursar.kernel.results import BulkResult, Refusal
from bursar.kernel.text import mask, storable
from bursar.kernel.transactions import accompanied

LONGEST_REASON: Final = 500
NO_CHANGE: Final = "Nothing would change."
UNFIT: Final = Refusal("wrong_state", "This cannot be done to it as it stands.")
Rows = Sequence[Any]
Given = Mapping[str, Any]


class Reasoned(forms.Form):
    """The form of a deed that asks for nothing but a reason; others have fields of their own before it."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=widgets.UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="Kept with what is done, and shown to whoever asks why. E-mail addresses are taken out of it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_reason(self) -> str:
        """Return the words as they are kept."""
        return mask(storable(self.cleaned_data["reason"]))


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may be done: to ticked rows (`many`), to one row, or to none because it makes one (`new`).

    `do` gets who acts, the rows and what was given, and returns what its verb does. `each` says that the verb takes one
    row; `fits` leaves out rows that it would refuse.
    """

    name: str
    label: str
    says: str
    do: Callable[[Actor, Rows, Given], Any]
    form: type[Reasoned] = Reasoned
    many: bool = False
    new: bool = False
    each: bool = False
    fits: Callable[[Any], bool] | None = None
    shown: Callable[[Any], Given] | None = None  # what the form begins with


@dataclass(slots=True)
class Logged:
    """Writes who did what, to which rows and why, into the log of the admin, in the transaction of the effect."""

    deed: Deed
    actor: Actor
    rows: Rows
    reason: str

    def begin(self) -> None:
        """Nothing comes first."""

    def finish(self, done: Any) -> None:
        """Log the rows that it was not refused for, or the one that was made."""
        rows = self.rows
        if isinstance(done, BulkResult):
            rows = [row for row in rows if row.pk not in done.refused]
        elif self.deed.new and isinstance(done, Model):
            rows = [done]
        if rows:
            flag = ADDITION if self.deed.new else CHANGE
            LogEntry.objects.log_actions(self.actor.user_id, rows, flag, f"{self.deed.label}: {self.reason}")  # type: ignore[arg-type]


def carry_out(deed: Deed, actor: Actor, rows: Rows, given: Given) -> BulkResult[Any, Any]:
    """Do it, and return what became of every row (for a new one: the row itself under its key).

    Raises what its verb raises of `BursarError` and Django's ValidationError; then nothing was done, unless `each`.
    """
    fit = [row for row in rows if deed.fits is None or deed.fits(row)]
    result: BulkResult[Any, Any] = BulkResult(refused={row.pk: UNFIT for row in rows if row not in fit})
    if not fit and not deed.new:
        raise Refused(UNFIT.message, code=UNFIT.code)
    with because(given["reason"]):
        for part in [[row] for row in fit] if deed.each else [fit]:
            result.merge(_do(deed, actor, part, given))
    return result


def _do(deed: Deed, actor: Actor, rows: Rows, given: Given) -> BulkResult[Any, Any]:
    with accompanied(Logged(deed, actor, rows, given["reason"])):
        done = deed.do(actor, rows, given)
    if isinstance(done, BulkResult):
        return done
    if deed.new and isinstance(done, Model):
        return BulkResult(done={done.pk: done})
    return BulkResult(done={row.pk: row for row in rows})


def in_words(error: BursarError | ValidationError) -> list[str]:
    """Return what an error says to people."""
    return [error.message] if isinstance(error, BursarError) else [str(message) for message in error.messages]


def changed(given: Given, row: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return what was given that differs from the row; raises `Refused` when nothing does."""
    found = {name: given[name] for name in names if given[name] != getattr(row, name)}
    if not found:
        raise Refused(NO_CHANGE, code="unchanged")
    return found


def as_shown(*names: str) -> Callable[[Any], Given]:
    """Return what fills a form with these fields of a row."""
    return lambda row: {name: getattr(row, name) for name in names}


def text(label: str = "", *, longest: int = 255, required: bool = False, help_text: str = "") -> forms.CharField:
    """Return a field for a line of text."""
    return forms.CharField(
        max_length=longest, required=required, label=label or None, help_text=help_text, widget=widgets.UnfoldAdminTextInputWidget()
    )  # fmt: skip


def switch(label: str, help_text: str = "") -> forms.BooleanField:
    """Return a field for yes or no."""
    return forms.BooleanField(
        required=False, label=label, help_text=help_text, widget=widgets.UnfoldBooleanSwitchWidget()
    )


def choice(choices: Any, label: str = "") -> forms.ChoiceField:
    """Return a field for one of several."""
    return forms.ChoiceField(choices=choices, label=label or None, widget=widgets.UnfoldAdminSelectWidget())


class Moment(forms.DateTimeField):
    """A date and time in the reader's zone."""

    widget = widgets.UnfoldAdminTextInputWidget({"type": "datetime-local"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]

    def prepare_value(self, value: Any) -> Any:
        """Return the moment as such a field of a browser takes it."""
        local = super().prepare_value(value)
        return f"{local:%Y-%m-%dT%H:%M}" if hasattr(local, "hour") else local

    def to_python(self, value: Any) -> Any:
        """Return the moment; one that no calendar has is a fault of the form."""
        with suppress(OverflowError):
            return super().to_python(value)
        raise ValidationError(self.error_messages["invalid"], code="invalid")


class Lines(forms.CharField):
    """A list, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=widgets.UnfoldAdminTextareaWidget({"rows": 5}), **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the list as text."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Return the lines that say something."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]
