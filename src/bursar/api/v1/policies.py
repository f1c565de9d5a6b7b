"""A customer's rules of reminding over our own API, and who did what there."""

from datetime import time
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import In, Line, Moment, Out, PageOf, Whole
from bursar.api.v1.scope import found, require
from bursar.assignments import services
from bursar.assignments.flows.forecasts import forecast
from bursar.assignments.models import ReminderPolicy
from bursar.assignments.reminders import Hold
from bursar.assignments.services import PolicyChange
from bursar.assignments.services.policies import LONGEST_DAYS, MOST_PER_WEEK, MOST_STEPS
from bursar.assignments.simulations import About, Forecast
from bursar.people.access import Permission
from bursar.people.auditing import Wanted
from bursar.people.models import AuditEntry, Customer

router: Final = Router(tags=["policies"])
RULES: Final = (
    "enabled", "after_days", "before_days", "per_week", "quiet_from", "quiet_until", "working_days_only", "digest",
)  # fmt: skip
CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
ABSENT: Final[Any] = None

Day = Annotated[int, Field(ge=1, le=LONGEST_DAYS), Whole]
Days = Annotated[list[Day], Field(max_length=MOST_STEPS, examples=[[7, 30]])]
Clock = Annotated[str, Field(pattern=CLOCK, examples=["20:00"])]


class QuietHours(Out):
    """From when until when nothing is sent, by the learner's clock."""

    begin: str
    end: str


class QuietHoursIn(In):
    """From when until when nothing is sent, by the learner's clock, over midnight too."""

    begin: Clock
    end: Clock


class ReminderPolicyOut(Out):
    """How a customer reminds."""

    customer: UUID
    enabled: bool
    after_days: list[int] = Field(description="Days after somebody was told.")
    before_days: list[int] = Field(description="Days before the deadline.")
    per_week: int = Field(description="The most reminders for one person in seven days, over all budgets.")
    quiet: QuietHours | None
    working_days_only: bool
    digest: bool = Field(description="Whether what is due to somebody on one day is one mail.")
    muted: list[str] = Field(description="Kinds of mail that are not sent at all.")


class RulesIn(In):
    """Rules that are to be otherwise than those kept; `quiet` null takes the quiet hours away."""

    after_days: Days = ABSENT
    before_days: Days = ABSENT
    per_week: Annotated[int, Field(ge=1, le=MOST_PER_WEEK), Whole] = ABSENT
    quiet: QuietHoursIn | None = None
    working_days_only: bool = ABSENT
    digest: bool = ABSENT


class ReminderPolicyChange(RulesIn):
    """What is to be otherwise; `quiet` null takes the quiet hours away."""

    enabled: bool = ABSENT


class ForetoldAbout(Out):
    """An assignment that a reminder is about, and the step of the rules that is due."""

    assignment: UUID
    title: str
    step: str = Field(examples=["after:7", "before:1"])


class ForetoldMail(Out):
    """One mail: when, to whom, about what, and what held it back since its first step was due."""

    at: Moment
    email: str
    about: list[ForetoldAbout]
    holds: list[Hold]
    dropped: str | None = Field(description="Why it would not be sent after all; null where it is sent.")


class ForetoldHold(Out):
    """A step that falls due in these days and is not taken in them."""

    until: Moment | None = Field(description="Until when it waits; null: for good.")
    email: str
    about: ForetoldAbout
    holds: list[Hold]
    why: str = Field(description="What else stands against it, in words; often nothing.")


class ForecastOut(Out):
    """Which reminders would go out from `begin` until before `end`, in the order of time."""

    begin: Moment
    end: Moment
    people: int = Field(description="How many people were looked at.")
    complete: bool = Field(description="False: there are more people, of whom nothing is said.")
    mails: list[ForetoldMail]
    held: list[ForetoldHold]


class ActOut(Out):
    """One thing that somebody did; ids and codes alone."""

    id: int
    act: str = Field(examples=["member.added"])
    actor_kind: str = Field(description="person, client, console, job or system.")
    user: int | None
    token: str = Field(description="The token by which a client spoke; empty for all others.")
    subject: UUID | None
    subject_user: int | None
    reason: str
    facts: dict[str, Any]
    created: Moment


class ActPage(PageOf[ActOut]):
    """A page of what was done."""


class ActFilters(Paging):
    """What was done when, by whom."""

    actor_kind: Annotated[Line, Field(max_length=16)] | None = None
    user: Annotated[int, Field(ge=0, le=2**53)] | None = None
    begin: Moment | None = None
    end: Moment | None = None


@router.get("/customers/{uuid:customer}/reminder-policy", response=ReminderPolicyOut)
def get_reminder_policy(request: HttpRequest, customer: UUID) -> HttpResponse:
    """Tell by which rules a customer's learners are reminded; rules that nobody has made are off."""
    owner = found(request, Customer.objects.all(), customer, customer_field="pk")
    row = services.policy_of(owner.pk)
    return single(policy_shape(row), row, RULES)


@router.patch("/customers/{uuid:customer}/reminder-policy", response=ReminderPolicyOut, openapi_extra=EDITED)
def edit_reminder_policy(request: HttpRequest, customer: UUID, payload: ReminderPolicyChange) -> HttpResponse:
    """Change the rules, and switch reminders on or off. Takes `notifications.write`.

    What is open already comes under the rules at the next tick: whoever has missed several steps gets one reminder.
    """
    owner = found(request, Customer.objects.all(), customer, customer_field="pk")
    require(request, Permission.NOTIFY, owner.pk)
    row, actor = services.policy_of(owner.pk), actor_of(request)
    changes = payload.model_dump(exclude_unset=True)
    enabled = changes.pop("enabled", row.enabled)
    change = _change(changes)

    def verb() -> ReminderPolicy:
        if not enabled and not changes:
            return services.switch_off(owner.pk, actor=actor)
        return services.set_policy(owner.pk, change, actor=actor, enabled=enabled)

    done = edit(request, row, RULES, verb, unmade=row)
    return single(policy_shape(done), done, RULES)


@router.post("/customers/{uuid:customer}/reminder-policy/forecast", response=ForecastOut)
def foretell_reminders(request: HttpRequest, customer: UUID, payload: RulesIn) -> HttpResponse:
    """Tell which reminders would go out in seven days: under rules as given, or ({}) those that are kept. Writes nothing.

    Takes `assignments.manage`; rules that are given are tried as if they were switched on.
    """
    owner = found(request, Customer.objects.all(), customer, customer_field="pk")
    require(request, Permission.MANAGE, owner.pk)
    changes = payload.model_dump(exclude_unset=True)
    policy = services.draft_policy(owner.pk, _change(changes)) if changes else services.policy_of(owner.pk)
    return answer(forecast_shape(forecast(policy, actor=actor_of(request))))


def _change(changes: dict[str, Any]) -> PolicyChange:
    given = dict(changes)
    if "quiet" in given:
        ends = given.pop("quiet")
        given["quiet"] = ends and (time.fromisoformat(ends["begin"]), time.fromisoformat(ends["end"]))
    return PolicyChange(**given)


@router.get("/customers/{uuid:customer}/acts", response=ActPage)
def list_acts(request: HttpRequest, customer: UUID, filters: Query[ActFilters]) -> HttpResponse:
    """Tell who did what at a customer, the latest first. Takes `customer.administer`."""
    owner = found(request, Customer.objects.all(), customer, customer_field="pk")
    require(request, Permission.ADMINISTER, owner.pk)
    wanted = Wanted([filters.actor_kind] if filters.actor_kind else (), None, filters.begin, filters.end)
    rows = AuditEntry.objects.filter(wanted.condition(owner.pk), **filled({"user_id": filters.user}))
    return page(request, rows, filters, ("-id",), act_shape)


def policy_shape(row: ReminderPolicy) -> dict[str, Any]:
    """Return the rules as JSON."""
    names = ("enabled", "after_days", "before_days", "per_week", "working_days_only", "digest", "muted")
    quiet = None
    if row.quiet_from is not None and row.quiet_until is not None:
        quiet = {"begin": f"{row.quiet_from:%H:%M}", "end": f"{row.quiet_until:%H:%M}"}
    return {"customer": row.customer_uuid, **{name: getattr(row, name) for name in names}, "quiet": quiet}


def forecast_shape(found: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON."""
    return {name: getattr(found, name) for name in ("begin", "end", "people", "complete")} | {
        "mails": [
            {
                "at": mail.at,
                "email": mail.email,
                "about": [_about(one) for one in mail.about],
                "holds": mail.holds,
                "dropped": mail.why_not,
            }
            for mail in found.mails
        ],
        "held": [
            {
                "until": item.until,
                "email": item.about.email,
                "about": _about(item.about),
                "holds": item.holds,
                "why": item.why,
            }
            for item in found.held
        ],
    }


def _about(one: About) -> dict[str, Any]:
    return {"assignment": one.assignment, "title": one.title, "step": one.step.code}


def act_shape(row: AuditEntry) -> dict[str, Any]:
    """Return one entry as JSON."""
    names = ("id", "act", "actor_kind", "reason", "facts", "created")
    return {name: getattr(row, name) for name in names} | {
        "user": row.user_id,
        "token": row.actor_name if row.actor_kind == "client" else "",
        "subject": row.subject_uuid,
        "subject_user": row.subject_user_id,
    }
