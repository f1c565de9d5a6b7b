"""Customers, members, funds, budgets, courses, catalogs, transactions, tokens and the audit."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO, Literal, TypedDict, Unpack
from uuid import UUID

from bursar.client.connection import Upload
from bursar.client.models import (
    Act,
    Audit,
    Budget,
    Catalog,
    Course,
    Customer,
    Fund,
    Imported,
    LedgerEntry,
    Member,
    MessageText,
    NewToken,
    ReminderForecast,
    ReminderPolicy,
    Token,
    Transaction,
)
from bursar.client.resource import Resource, as_json, given, read


class CustomerTerms(TypedDict, total=False):
    """What can be said of a customer."""

    name: str
    slug: str
    contact_email: str
    language: str
    time_zone: str
    brand_color: str
    logo_url: str
    show_price: bool


class CustomerChanges(CustomerTerms, total=False):
    """What can be changed of a customer."""

    active: bool


class ReminderRules(TypedDict, total=False):
    """Rules of reminding; `quiet` is {"begin": "20:00", "end": "08:00"}, or None."""

    after_days: list[int]
    before_days: list[int]
    per_week: int
    quiet: dict[str, str] | None
    working_days_only: bool
    digest: bool


class ReminderChanges(ReminderRules, total=False):
    """What can be changed of the rules of reminding, and whether they hold at all."""

    enabled: bool


class Customers(Resource):
    """Organisations, and who belongs to them."""

    def list(self, *, slug: str | None = None, active: bool | None = None) -> Iterator[Customer]:
        """Name customers."""
        return self._walk(Customer, "customers", slug=slug, active=active)

    def get(self, customer: UUID) -> Customer:
        """Return one customer."""
        return self._get(Customer, f"customers/{customer}")

    def create(self, **terms: Unpack[CustomerTerms]) -> Customer:
        """Make a customer."""
        return read(Customer, self._connection.post("customers", dict(terms)))

    def edit(self, customer: UUID, *, etag: str | None = None, **changes: Unpack[CustomerChanges]) -> Customer:
        """Change a customer, as it was read under `etag` (None: as it is now)."""
        return read(Customer, self._connection.patch(f"customers/{customer}", dict(changes), etag=etag))

    def members(self, customer: UUID, *, role: str | None = None, pending: bool | None = None) -> Iterator[Member]:
        """Name who belongs to a customer."""
        return self._walk(Member, f"customers/{customer}/members", role=role, pending=pending)

    def add_member(self, customer: UUID, email: str, role: str) -> Member:
        """Give somebody a role."""
        body = {"email": email, "role": role}
        return read(Member, self._connection.post(f"customers/{customer}/members", body))

    def remove_member(self, customer: UUID, member: UUID) -> None:
        """Take a role away."""
        self._connection.delete(f"customers/{customer}/members/{member}")

    def reminder_policy(self, customer: UUID) -> ReminderPolicy:
        """Return by which rules learners are reminded."""
        return self._get(ReminderPolicy, f"customers/{customer}/reminder-policy")

    def set_reminders(
        self, customer: UUID, *, etag: str | None = None, **changes: Unpack[ReminderChanges]
    ) -> ReminderPolicy:
        """Change the rules of reminding, or switch it on or off, as it was read under `etag` (None: as it is now)."""
        path = f"customers/{customer}/reminder-policy"
        return read(ReminderPolicy, self._connection.patch(path, dict(changes), etag=etag))

    def forecast_reminders(self, customer: UUID, **changes: Unpack[ReminderRules]) -> ReminderForecast:
        """Tell what would go out in seven days, under changed rules (none: under those that are kept); nothing is kept."""
        path = f"customers/{customer}/reminder-policy/forecast"
        return read(ReminderForecast, self._connection.post(path, dict(changes)))

    def texts(self, customer: UUID) -> Iterator[MessageText]:
        """Name the own texts of a customer's mails."""
        return self._walk(MessageText, f"customers/{customer}/texts")

    def keep_text(self, customer: UUID, kind: str, language: str, *, subject: str, body: str) -> MessageText:
        """Keep a text for a kind of mail in a language, in place of the one before."""
        given_text = {"kind": kind, "language": language, "subject": subject, "body": body}
        return read(MessageText, self._connection.post(f"customers/{customer}/texts", given_text))

    def remove_text(self, customer: UUID, text: UUID) -> None:
        """Go back to the text that is built in."""
        self._connection.delete(f"customers/{customer}/texts/{text}")

    def acts(
        self,
        customer: UUID,
        *,
        actor_kind: str | None = None,
        user: int | None = None,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> Iterator[Act]:
        """Tell who did what at a customer, the latest first."""
        path = f"customers/{customer}/acts"
        return self._walk(Act, path, actor_kind=actor_kind, user=user, begin=begin, end=end)


class Funds(Resource):
    """Money in."""

    def list(self, *, customer: UUID | None = None) -> Iterator[Fund]:
        """Name funds."""
        return self._walk(Fund, "funds", customer=customer)

    def get(self, fund: UUID) -> Fund:
        """Return one fund."""
        return self._get(Fund, f"funds/{fund}")

    def create(  # noqa: PLR0913  the terms of a fund
        self,
        customer: UUID,
        title: str,
        *,
        deposit_cents: int = 0,
        currency: str = "USD",
        starts_at: datetime | None = None,
        expires_at: datetime | None = None,
        key: str | None = None,
    ) -> Fund:
        """Make a fund, with a first deposit."""
        body = given(
            customer=customer, title=title, deposit_cents=deposit_cents, currency=currency, starts_at=starts_at,
            expires_at=expires_at,
        )  # fmt: skip
        return read(Fund, self._connection.pay("funds", body, key=key))

    def set_end(self, fund: UUID, expires_at: datetime | None, *, etag: str | None = None) -> Fund:
        """Change when a fund ends (None: never)."""
        return read(Fund, self._connection.patch(f"funds/{fund}", {"expires_at": as_json(expires_at)}, etag=etag))

    def deposit(self, fund: UUID, amount_cents: int, *, reason: str = "", key: str | None = None) -> LedgerEntry:
        """Put money in."""
        body = {"amount_cents": amount_cents, "reason": reason}
        return read(LedgerEntry, self._connection.pay(f"funds/{fund}/deposits", body, key=key))

    def adjust(self, fund: UUID, amount_cents: int, *, reason: str, key: str | None = None) -> LedgerEntry:
        """Correct the balance, up or down."""
        body = {"amount_cents": amount_cents, "reason": reason}
        return read(LedgerEntry, self._connection.pay(f"funds/{fund}/adjustments", body, key=key))

    def ledger(self, fund: UUID, *, kind: str | None = None) -> Iterator[LedgerEntry]:
        """Name the entries of a fund's ledger, newest first."""
        return self._walk(LedgerEntry, f"funds/{fund}/ledger", kind=kind)

    def transactions(
        self,
        fund: UUID,
        *,
        budget: UUID | None = None,
        state: str | None = None,
        assignment: UUID | None = None,
    ) -> Iterator[Transaction]:
        """Name the transactions on a fund, newest first."""
        return self._walk(Transaction, f"funds/{fund}/transactions", budget=budget, state=state, assignment=assignment)

    def transaction(self, transaction: UUID) -> Transaction:
        """Return one transaction."""
        return self._get(Transaction, f"transactions/{transaction}")


class BudgetChanges(TypedDict, total=False):
    """What can be changed of a budget."""

    name: str
    description: str
    limit_cents: int
    catalog: UUID | None


class Budgets(Resource):
    """Limits on funds, for assigning."""

    def list(
        self,
        *,
        customer: UUID | None = None,
        fund: UUID | None = None,
        active: bool | None = None,
        retired: bool | None = None,
    ) -> Iterator[Budget]:
        """Name budgets."""
        return self._walk(Budget, "budgets", customer=customer, fund=fund, active=active, retired=retired)

    def get(self, budget: UUID) -> Budget:
        """Return one budget, with how many assignments it has in each state."""
        return self._get(Budget, f"budgets/{budget}")

    def create(
        self,
        fund: UUID,
        name: str,
        limit_cents: int,
        *,
        catalog: UUID | None = None,
        key: str | None = None,
    ) -> Budget:
        """Make a budget that assigns."""
        body = given(fund=fund, name=name, limit_cents=limit_cents, catalog=catalog)
        return read(Budget, self._connection.pay("budgets", body, key=key))

    def edit(self, budget: UUID, *, etag: str | None = None, **changes: Unpack[BudgetChanges]) -> Budget:
        """Change a budget, as it was read under `etag` (None: as it is now)."""
        body = {name: as_json(value) for name, value in changes.items()}
        return read(Budget, self._connection.patch(f"budgets/{budget}", body, etag=etag))

    def retire(self, budget: UUID) -> Budget:
        """Take a budget out of use, for good."""
        return read(Budget, self._connection.post(f"budgets/{budget}/retire"))


class CatalogChanges(TypedDict, total=False):
    """What can be changed of a catalog."""

    title: str
    rule: str
    keys: Sequence[str]
    partners: Sequence[str]
    subjects: Sequence[str]


class Catalogs(Resource):
    """Courses, and named parts of them."""

    def courses(
        self,
        *,
        search: str | None = None,
        partner: str | None = None,
        subject: str | None = None,
        catalog: UUID | None = None,
        active: bool | None = None,
    ) -> Iterator[Course]:
        """Name courses with their runs."""
        return self._walk(
            Course, "courses", search=search, partner=partner, subject=subject, catalog=catalog, active=active
        )

    def course(self, key: str) -> Course:
        """Return the course with this key, or that of the run with this key."""
        return self._get(Course, f"courses/{key}")

    def import_file(self, kind: Literal["courses", "runs"], file: BinaryIO, *, encoding: str | None = None) -> Imported:
        """Take a CSV file of courses or runs in."""
        query = {"kind": kind, "encoding": encoding}
        return read(Imported, self._connection.call("POST", "courses", query=query, body=Upload(file, "text/csv")))

    def list(self, *, customer: UUID | None = None, title: str | None = None) -> Iterator[Catalog]:
        """Name catalogs."""
        return self._walk(Catalog, "catalogs", customer=customer, title=title)

    def get(self, catalog: UUID) -> Catalog:
        """Return one catalog."""
        return self._get(Catalog, f"catalogs/{catalog}")

    def create(self, *, customer: UUID | None = None, **terms: Unpack[CatalogChanges]) -> Catalog:
        """Make a named catalog (without a customer: a shared one)."""
        body = given(customer=customer) | {name: as_json(value) for name, value in terms.items()}
        return read(Catalog, self._connection.post("catalogs", body))

    def edit(self, catalog: UUID, *, etag: str | None = None, **changes: Unpack[CatalogChanges]) -> Catalog:
        """Change a catalog, as it was read under `etag` (None: as it is now)."""
        body = {name: as_json(value) for name, value in changes.items()}
        return read(Catalog, self._connection.patch(f"catalogs/{catalog}", body, etag=etag))


class Tokens(Resource):
    """API tokens, and the audit."""

    def list(self, *, customer: UUID | None = None, revoked: bool | None = None) -> Iterator[Token]:
        """Name tokens."""
        return self._walk(Token, "tokens", customer=customer, revoked=revoked)

    def create(
        self,
        name: str,
        role: str,
        *,
        customer: UUID | None = None,
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> NewToken:
        """Make a token for a role; its text is in this answer and nowhere else."""
        body = given(name=name, role=role, customer=customer, scopes=list(scopes), expires_at=expires_at)
        return read(NewToken, self._connection.post("tokens", body))

    def revoke(self, token: UUID) -> Token:
        """Take a token back."""
        return read(Token, self._connection.delete(f"tokens/{token}"))

    def audit(self) -> Audit:
        """Recompute everything and name every difference."""
        return self._get(Audit, "audit")
