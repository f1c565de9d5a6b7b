"""What learners fill in: which run, why not, until when."""

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from bursar.assignments.models import DeclineReason
from bursar.assignments.models.replies import LONGEST_WORDS
from bursar.assignments.services.replies import FARTHEST
from bursar.kernel import clock

REASONS: Final = (
    (DeclineReason.NO_TIME.value, gettext_lazy("I have no time for it")),
    (DeclineReason.NOT_USEFUL.value, gettext_lazy("It is of no use for my work")),
    (DeclineReason.KNOWN_ALREADY.value, gettext_lazy("I know this already")),
    (DeclineReason.NOT_ME.value, gettext_lazy("This is not me: somebody else was meant")),
    (DeclineReason.OTHER.value, gettext_lazy("Another reason")),
)


def _words(label: Any, hint: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=label, help_text=hint, required=False, max_length=LONGEST_WORDS, widget=area)


SEEN_BY: Final = gettext_lazy("Whoever assigned the course can read it.")


class DeclineForm(forms.Form):
    """Why somebody does not take a course."""

    reason = forms.ChoiceField(label=gettext_lazy("Why?"), choices=REASONS, widget=forms.RadioSelect)
    words = _words(gettext_lazy("Do you want to say more? (optional)"), SEEN_BY)


class MoreTimeForm(forms.Form):
    """Until when somebody would like to have time."""

    until = forms.DateField(
        label=gettext_lazy("Until when? (optional)"),
        help_text=gettext_lazy("Without a day, your organisation chooses one."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    words = _words(gettext_lazy("Why? (optional)"), SEEN_BY)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localtime(clock.now()).date()
        self.fields["until"].widget.attrs |= {
            "min": (today + timedelta(days=1)).isoformat(),
            "max": (today + FARTHEST - timedelta(days=1)).isoformat(),
        }

    @property
    def moment(self) -> datetime | None:
        """The last minute of the day that was chosen, in the reader's zone."""
        day = self.cleaned_data.get("until")
        return clock.last_minute(day, timezone.get_current_timezone()) if day else None
