"""Telling the people who assign: what is due is queued, and looked at again before it leaves; copies are kept for a week."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bursar.assignments import digests, notice_texts, services, slots
from bursar.assignments.digests import CONTACT
from bursar.assignments.flows.deliveries import recipient
from bursar.assignments.flows.envelopes import envelope
from bursar.assignments.flows.posting import post
from bursar.assignments.mail_words import Amount
from bursar.assignments.messages import Rendered
from bursar.assignments.models import DIGESTS, LearnerContentAssignment, Notice, NoticeKind
from bursar.assignments.policy import why_stopped
from bursar.budgets.models import Fund
from bursar.kernel import clock
from bursar.kernel.backends import backend
from bursar.kernel.batching import chunks
from bursar.kernel.conf import setting
from bursar.kernel.transactions import refuse_transaction
from bursar.outbox.services import Claim, Delivered
from bursar.people.keys import key_of
from bursar.people.models import Customer
from bursar.people.suppression import stops_of
from bursar.ports.mail import Mail, MailPort
from bursar.webhooks.selectors import given_up

FORGOTTEN_AT_ONCE: Final = 1000
OVERTAKEN: Final = "no longer so, or told by a newer notice"
NOTHING_TO_SAY: Final = "nothing to say any more"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a notice says now; `manager` is whom a manager's digest goes to, `named` the assignments that it names."""

    text: Rendered = field(repr=False)
    manager: str = field(default="", repr=False)
    named: Sequence[UUID] = ()


def warn_due() -> int:
    """Queue every warning that is due, about budgets, funds and webhooks; returns how many messages. Safe to run again."""
    return services.warn_of_budgets() + services.warn_of_funds() + services.warn_of_endpoints()


def digest_due() -> int:
    """Queue every digest that is due, after an outage the newest alone; returns how many messages."""
    return services.open_digests()


def preview_admin_digest(customer: Customer) -> Rendered | None:
    """Return the digest that the admins of a customer would get now, or None when there is nothing to say."""
    digest = digests.admin_digest(customer)
    return notice_texts.admin_text(customer, digest) if digest else None


def preview_manager_digest(customer: Customer, manager: str) -> Rendered | None:
    """Return the digest that this manager of people of a customer would get now, or None."""
    digest = digests.manager_digest(customer, digests.people_of(customer.pk, manager))
    return notice_texts.manager_text(customer, digest) if digest else None


def deliver_notices(claims: Sequence[Claim]) -> Delivered:
    """Deliver claimed notices; each is settled before the next one leaves."""
    notices = Notice.objects.in_bulk([claim.subject for claim in claims])
    customers = Customer.objects.in_bulk({notice.customer_uuid for notice in notices.values()})
    letters: dict[UUID, Letter | str] = {}

    def compose(claim: Claim) -> Mail | str:
        notice = notices.get(claim.subject)
        customer = customers.get(notice.customer_uuid) if notice else None
        if notice is None or customer is None:
            return "the notice is gone"
        if not customer.active:
            return "the customer is not active"
        if notice.pk not in letters:
            letters[notice.pk] = _letter(notice, customer, clock.now())
        letter = letters[notice.pk]
        if isinstance(letter, str):
            return letter
        address = _address(claim, customer, letter)
        return _mail(claim, customer, letter, address) if address else _no_recipient(claim)

    def why_unneeded(claim: Claim) -> str | None:
        notice, letter = notices[claim.subject], letters[claim.subject]
        return letter if isinstance(letter, str) else _why_unneeded(claim, notice, letter)

    return post(claims, compose=compose, why_unneeded=why_unneeded, record=services.record_notices)


def _why_unneeded(claim: Claim, notice: Notice, letter: Letter) -> str | None:
    """Return why a letter that has been written must not leave, if so: everything is read again but its figures."""
    customer = Customer.objects.filter(pk=notice.customer_uuid, active=True).first()
    if customer is None:
        return "the customer is not active"
    address = _address(claim, customer, letter)
    if not address:
        return _no_recipient(claim)
    key = key_of(address)
    if stopped := why_stopped(claim.kind, stops_of(customer.pk, [key]).get(key, ())):
        return stopped
    if not Notice.objects.filter(pk=notice.pk, copies_until__isnull=False).exists():
        return "out of date"
    scrubbed = LearnerContentAssignment.objects.filter(pk__in=letter.named, address_scrubbed_at__isnull=False)
    return "personal data removed" if letter.named and scrubbed.exists() else None


def _address(claim: Claim, customer: Customer, letter: Letter) -> str:
    """Return where this message of a notice goes, or "" if its recipient is none any more."""
    if claim.kind == NoticeKind.MANAGER_DIGEST:
        return letter.manager
    if claim.ordinal == CONTACT:
        return str(customer.contact_email)
    return digests.admins(customer.pk).get(claim.ordinal, "")


def _no_recipient(claim: Claim) -> str:
    return "no contact address any more" if claim.ordinal == CONTACT else "no longer an admin here"


def _mail(claim: Claim, customer: Customer, letter: Letter, address: str) -> Mail:
    text, wrapped = letter.text, envelope(claim.uuid, claim.kind, customer, key_of(address))
    return Mail(
        claim.uuid, claim.subject, setting("mail_from"), recipient(address), text.subject, text.text, text.html,
        wrapped.headers, envelope_from=wrapped.sender,
    )  # fmt: skip


def _letter(notice: Notice, customer: Customer, now: datetime) -> Letter | str:
    """Return what a notice says with the figures of now, or in words why it says nothing any more."""
    if notice.kind == NoticeKind.BUDGET_USED:
        return _budget_letter(notice, customer)
    if notice.kind == NoticeKind.FUND_ENDING:
        return _fund_letter(notice, customer, now)
    if notice.kind == NoticeKind.ENDPOINT_DISABLED:
        return _endpoint_letter(notice, customer)
    if notice.kind == NoticeKind.ADMIN_DIGEST:
        digest = digests.admin_digest(customer)
        return Letter(notice_texts.admin_text(customer, digest), named=digest.assignments) if digest else NOTHING_TO_SAY
    return _manager_letter(notice, customer)


def _budget_letter(notice: Notice, customer: Customer) -> Letter | str:
    money = digests.budget_money(notice.about_uuid)
    if money is None:
        return "the budget is not in use any more"
    percent = slots.percent_passed(money.held_cents + money.spent_cents, money.limit_cents)
    told: Any = notice.facts
    if percent is None or percent > told["percent"] or money.limit_cents != told["limit_cents"]:
        return OVERTAKEN
    return Letter(notice_texts.budget_text(customer, money))


def _fund_letter(notice: Notice, customer: Customer, now: datetime) -> Letter | str:
    fund = Fund.objects.filter(pk=notice.about_uuid).first()
    if fund is None or fund.expires_at is None or fund.balance_cents <= 0:
        return NOTHING_TO_SAY
    days = slots.days_passed(fund.expires_at, now)
    if days is None or slots.fund_slot(days, fund.expires_at) != notice.slot:
        return OVERTAKEN
    money = {name: Amount(getattr(fund, f"{name}_cents"), fund.currency) for name in ("balance", "held")}
    return Letter(notice_texts.fund_text(customer, fund.title, fund.expires_at, now, money))


def _endpoint_letter(notice: Notice, customer: Customer) -> Letter | str:
    row = next((row for row in given_up() if row.uuid == notice.about_uuid), None)
    if row is None or row.disabled_at is None or slots.endpoint_slot(row.disabled_at) != notice.slot:
        return OVERTAKEN
    return Letter(notice_texts.endpoint_text(customer, row))


def _manager_letter(notice: Notice, customer: Customer) -> Letter | str:
    found = digests.manager_of(customer.pk, notice.facts["people"])
    if found is None:
        return "no manager is known any more"
    manager, people = found
    digest = digests.manager_digest(customer, people)
    if not digest:
        return NOTHING_TO_SAY
    return Letter(notice_texts.manager_text(customer, digest), manager, digest.assignments)


def forget_copies() -> int:
    """Forget the kept copies of mails of notices that are a week old: digests name people, and must not outlive them.

    Returns of how many notices. What has been forgotten does not leave any more; calling it again is safe.
    """
    refuse_transaction()
    port: MailPort = backend("mail_port")
    due = Notice.objects.filter(copies_until__lte=clock.now()).order_by("copies_until", "pk")
    forgotten = 0
    while keys := list(due.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        port.forget_many(keys)
        services.note_copies_forgotten(keys)
        port.forget_many(keys)
        forgotten += len(keys)
    return forgotten


def forget_digests_of(customer: UUID) -> None:
    """Forget every kept copy of a customer's digests at once, because somebody in them is erased."""
    refuse_transaction()
    port: MailPort = backend("mail_port")
    kept = Notice.objects.filter(customer_uuid=customer, kind__in=DIGESTS, copies_until__isnull=False)
    for keys in chunks(kept.order_by("pk").values_list("pk", flat=True)):
        port.forget_many(keys)


def resend_unknown(kind: str) -> bool:
    """Tell whether a notice that may have left is sent again: a warning is, a digest is not."""
    return kind not in DIGESTS
