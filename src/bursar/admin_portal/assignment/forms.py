"""What those who assign fill in about one assignment: a new deadline, or another person."""

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

from bursar.assignments.models.replies import LONGEST_WORDS
from bursar.assignments.services.replies import FARTHEST
from bursar.kernel import clock
from bursar.kernel.errors import BadInput
from bursar.people.files import PersonRow
from bursar.people.records import read_one

LONGEST_REASON: Final = 255
LONGEST_CELL: Final = 254


def day_field(label: Any, hint: Any, *, required: bool) -> forms.DateField:
    """Return a field for the day of a deadline."""
    return forms.DateField(
        label=label,
        help_text=hint,
        required=required,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


class DayForm(forms.Form):
    """A form with the day of a deadline, `until`, which is tomorrow at the earliest and within a year."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].widget.attrs |= {"min": _first().isoformat(), "max": _last().isoformat()}

    def clean_until(self) -> Any:
        """Refuse a day that has passed or is too far away."""
        day = self.cleaned_data.get("until")
        if day is not None and not _first() <= day <= _last():
            raise ValidationError(gettext_lazy("Choose a day from tomorrow on, within a year."))
        return day

    @property
    def moment(self) -> datetime | None:
        """The last minute of the day that was chosen, in the reader's zone."""
        day = self.cleaned_data.get("until")
        return clock.last_minute(day, timezone.get_current_timezone()) if day else None


def _today() -> Any:
    return timezone.localtime(clock.now()).date()


def _first() -> Any:
    return _today() + timedelta(days=1)


def _last() -> Any:
    return _today() + FARTHEST - timedelta(days=1)


class ExtendForm(DayForm):
    """A deadline for one person."""

    until = day_field(
        gettext_lazy("Until when?"), gettext_lazy("They can accept until the end of that day."), required=True
    )
    why = forms.CharField(
        label=gettext_lazy("Why? (optional)"), help_text=gettext_lazy("For the record. The learner does not see it."),
        required=False, max_length=LONGEST_REASON,
    )  # fmt: skip
    tell = forms.BooleanField(label=gettext_lazy("Tell the learner by mail"), required=False, initial=True)


class AnswerForm(DayForm):
    """The answer to a request for more time."""

    until = day_field(
        gettext_lazy("New deadline"), gettext_lazy("They can accept until the end of that day."), required=False
    )
    why = forms.CharField(
        label=gettext_lazy("A word to the learner (optional)"), help_text=gettext_lazy("It stands in the mail."),
        required=False, max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class HandOverForm(forms.Form):
    """Who gets the course instead."""

    email = forms.CharField(  # not of type "email": browsers know no addresses such as josé@example.org
        label=gettext_lazy("E-mail address"), max_length=LONGEST_CELL,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    name = forms.CharField(
        label=gettext_lazy("Name (optional)"), help_text=gettext_lazy("Mails greet them by it."), required=False,
        max_length=LONGEST_CELL,
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Read the person as a row of a file is read."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "email" in cleaned:
            try:
                cleaned["person"] = read_one({"email": cleaned["email"], "name": cleaned.get("name", "")})
            except BadInput:
                self.add_error("email", gettext_lazy("This is no address that mail can be sent to."))
        return cleaned

    @property
    def person(self) -> PersonRow:
        """The person, once the form is valid."""
        person: PersonRow = self.cleaned_data["person"]
        return person
