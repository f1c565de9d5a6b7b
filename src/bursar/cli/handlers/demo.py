"""The demonstration: one organisation with money, courses and somebody for every role. Again, it changes nothing else.

The fund ends and the budget has a named catalog, as Open edX's web clients want them.
"""

import shlex
import shutil
import sys
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from bursar.assignments import flows
from bursar.budgets.models import Budget, Fund
from bursar.budgets.services import create_fund
from bursar.catalog.models import Course
from bursar.catalog.services import create_catalog
from bursar.cli.handlers.service import migrate
from bursar.cli.handlers.shapes import Shape, budget_shape, customer_shape, fund_shape
from bursar.cli.handlers.users import find_user, user_shape
from bursar.cli.output import Answer, Part, facts, heading, table
from bursar.cli.values import money
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.kernel.errors import NotFound, Refused
from bursar.people.demo_logins import LOGINS, SLUG, Login
from bursar.people.installation import is_demo, mark_as_demo
from bursar.people.models import Customer, Role
from bursar.people.services import create_customer, grant, set_staff

NAME: Final = "Lanternworks Cooperative"
DETAILS: Final = {
    "contact_email": "learning@lanternworks.example",
    "language": "en",
    "time_zone": "Europe/Amsterdam",
    "brand_color": "#8a3b12",
    "show_price": True,
}
FUND: Final = "Learning and development"
FUND_CENTS: Final = 6_000_000
BUDGET: Final = "Learning"
BUDGET_CENTS: Final = 4_000_000
CATALOG: Final = "All courses"
COURSE: Final = "HarvardX+PH125.1x"
SAMPLES: Final = Path(str(files("bursar.project"))) / "samples"
LATER: Final = timedelta(days=91)
TERM: Final = timedelta(days=2 * 365)


def load() -> Answer:
    """Fill the database with the demonstration, or tell what is there already."""
    migrate()
    _require_fit()
    mark_as_demo()
    customer = Customer.objects.filter(slug=SLUG).first() or create_customer(NAME, slug=SLUG, **DETAILS)  # type: ignore[arg-type]
    fund = Fund.objects.filter(customer=customer, title=FUND).first()
    fund = fund or create_fund(customer.pk, title=FUND, deposit_cents=FUND_CENTS, expires_at=clock.now() + TERM)
    budget = _budget(fund)
    for kind in ("courses", "runs"):
        flows.import_catalog(kind, SAMPLES / f"{kind}.csv")
    users = [_user(login, customer) for login in LOGINS]
    data: Shape = {
        "customer": customer_shape(customer),
        "fund": fund_shape(fund),
        "budget": budget_shape(budget),
        "users": users,
        "samples": {name: str(SAMPLES / f"{name}.csv") for name in ("people", "courses", "runs")},
        "mode": setting("mode") or "demo",
    }
    return Answer(data, _in_words(customer, fund, budget, users))


def _require_fit() -> None:
    """Raise `Refused` where a demonstration does not belong: production, and databases that somebody uses already."""
    if setting("mode") == "production":
        raise Refused(
            "BURSAR_MODE says production; a demonstration lets anybody read the mails.", code="not_a_demonstration"
        )
    if not is_demo() and Customer.objects.exists():
        raise Refused(
            "This database has customers already, and a demonstration would let anybody read their mails; use an empty one.",
            code="database_in_use",
        )


def _budget(fund: Fund) -> Budget:
    rows = Budget.objects.filter(fund=fund).select_related("fund")
    known = rows.filter(display_name=BUDGET).first()
    if known is not None:
        return known
    made = flows.create_assignable_budget(
        fund.pk,
        display_name=BUDGET,
        limit_cents=BUDGET_CENTS,
        catalog=create_catalog(CATALOG, customer_uuid=fund.customer_id).pk,
        description="Courses for everybody who works here.",
    )
    return rows.get(pk=made.pk)


def _user(login: Login, customer: Customer) -> Shape:
    """Return a user of the demonstration with the password that everybody may know."""
    try:
        user: Any = find_user(login.address)
    except NotFound:
        user = flows.create_account(login.address, password=login.password, name=login.name)
        grant(user.pk, login.role, None if login.role == Role.OPERATOR else customer.pk)
        set_staff(user, staff=login.role == Role.OPERATOR)
    return user_shape(user) | {"role": str(login.role), "name": login.name, "password": login.password}


def _in_words(customer: Customer, fund: Fund, budget: Budget, users: list[Shape]) -> list[Part]:
    return [
        "The demonstration is loaded. Whatever is in this database may be read by anybody.\n",
        facts((
            ("Customer", f"{customer.name} ({customer.slug})"),
            ("Fund", f"{fund.title}, {money(fund.balance_cents, fund.currency)}"),
            ("Budget", f"{budget.display_name}, {money(budget.limit_cents, fund.currency)} ({budget.pk})"),
            ("Catalog", f"{Course.objects.count()} courses"),
            ("People to assign to", SAMPLES / "people.csv"),
        )),
        heading("Logins"),
        table(("Role", "Address", "Password"), [(user["role"], user["email"], user["password"]) for user in users]),
        heading("Try"),
        "\n".join(f"  {line}" for line in _commands()),
    ]  # fmt: skip


def _commands() -> list[str]:
    """Return what to type next, as it works when it is pasted."""
    bursar = shlex.quote(_program())
    people = shlex.quote(str(SAMPLES / "people.csv"))
    allocate = f"{bursar} allocate {people} --budget {BUDGET} --content {COURSE}"
    learner = LOGINS[0].address
    return [
        f"{allocate} --plan",
        allocate,
        f"{bursar} tick",
        f"{bursar} assignments list --budget {BUDGET}",
        f"{bursar} accept --budget {BUDGET} --email {learner}",
        f"{bursar} tick --at {clock.now() + LATER:%Y-%m-%d}",
        f"{bursar} audit",
        f"{bursar} run",
    ]


def _program() -> str:
    """Return what to type for this command: its name where the shell finds it by that, else the path it was called by."""
    called, known = Path(sys.argv[0]), shutil.which("bursar")
    by_name = known is not None and called.exists() and called.samefile(known)
    return "bursar" if by_name or called.name != "bursar" else str(called)
