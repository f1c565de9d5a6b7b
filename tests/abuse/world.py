"""Two customers with one of everything each. Every text that the second one has keeps a word that no answer may show."""

from datetime import timedelta
from uuid import uuid4

from tests.db.verbs.steps import accept, assigned, tick

from bursar.assignments import flows, services
from bursar.assignments.models import AllocationBatch, LearnerContentAssignment
from bursar.budgets.models import LedgerEntry
from bursar.budgets.services import insert_budget, retire
from bursar.catalog.services import create_catalog
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.transactions import one_commit
from bursar.outbox.models import Message
from bursar.people.files import PeopleFile
from bursar.people.models import Membership, Person, Role
from bursar.people.services import add_member, remove_member
from bursar.people.tokens import create_token, revoke_token
from bursar.testing.factories import (
    make_budget,
    make_course,
    make_customer,
    make_fund,
    make_member,
    make_people,
    make_run,
    make_user,
    reload,
)
from bursar.webhooks.models import Event
from bursar.webhooks.services import add_endpoint, remove_endpoint

CANARY = "zq7umbra"
COURSES = {"DemoX+D101": 4_900, "DemoX+D102": 900, "DemoX+D103": 900}
OPEN, TAKEN, ENDED = COURSES
RUNS = {key: f"course-v1:{key}+2027" for key in COURSES}
SOON = "DemoX+D104"  # executive education that starts in a week


def make_courses():
    for key, price in COURSES.items():
        make_run(make_course(key, price_cents=price), RUNS[key])
    start = clock.now() + timedelta(days=7)
    make_run(make_course(SOON, price_cents=500, course_type="executive-education-2u"), f"{SOON}+R1", start=start)


class Tenant:
    """A customer; `ids` names one of each kind, `others` those of another learner, `gone` those that were removed.

    `ended` names what is still there, but over: cancelled, retired, revoked, switched off.
    """

    def __init__(self, mark, number):
        self.mark, self.domain = mark, f"{mark}.example"
        self.customer = make_customer(f"{mark} Ltd", slug=mark, contact_email=f"desk@{self.domain}")
        self.numbers = dict(zip(("lee", "mia", "ada", "otto"), range(number, number + 4), strict=True))
        roles = {"lee": Role.LEARNER, "mia": Role.LEARNER, "ada": Role.ADMIN, "otto": Role.OPERATOR}
        self.users = {name: make_user(f"{name}@{self.domain}", lms_user_id=self.numbers[name]) for name in roles}
        self.actors = {name: make_member(self.customer, role, user=self.users[name]) for name, role in roles.items()}
        self.tokens = {name: create_token(f"{mark} {name}", user_id=user.pk).text for name, user in self.users.items()}
        self.ids, self.others, self.gone, self.ended = {}, {}, {}, {}
        self._money()
        self._assign()
        self._hooks()
        self._texts()
        self._people()
        tick()
        self._told()
        self._plan()

    def _money(self):
        self.fund = make_fund(self.customer, title=f"{self.mark} fund")
        self.catalog = create_catalog(f"{self.mark} catalog", customer_uuid=self.customer.pk)
        self.budget = make_budget(self.fund, display_name=f"{self.mark} budget", description=f"{self.mark} terms")
        over = make_budget(self.fund, display_name=f"{self.mark} over")
        retire(over.pk)
        off = make_budget(self.fund, display_name=f"{self.mark} off")
        flows.switch_configuration(off.assignment_configuration_id, active=False, actor=CONSOLE)
        with one_commit():
            bare = insert_budget(self.fund, display_name=f"{self.mark} bare", limit_cents=1, configuration=None)
        lone = flows.create_configuration(self.customer.pk, budget=None, active=True, actor=CONSOLE)
        self._name(
            customer=self.customer.pk, slug=self.customer.slug, fund=self.fund.pk, budget=self.budget.pk,
            configuration=self.budget.assignment_configuration_id, catalog=self.catalog.pk, lone=lone,
            bare=bare.pk,
        )  # fmt: skip
        self.ended |= {"budget": str(over.pk), "configuration": str(off.assignment_configuration_id)}

    def _assign(self):
        mails = [f"{name}@{self.domain}" for name in ("lee", "mia")]
        mine, others = assigned(self.budget, mails, OPEN)
        accepted, other_accepted = accept(assigned(self.budget, mails, TAKEN))
        ended, other_ended = assigned(self.budget, mails, ENDED)
        (starting,) = accept(assigned(self.budget, mails[:1], SOON))
        services.cancel_many([ended.pk, other_ended.pk], actor=CONSOLE)
        paid = dict(LearnerContentAssignment.objects.values_list("pk", "transaction_uuid"))
        batch = AllocationBatch.objects.get(pk=LearnerContentAssignment.objects.get(pk=mine.pk).allocation_batch_id)
        self._name(
            assignment=mine.pk, accepted=accepted.pk, cancelled=ended.pk, starting=starting.pk,
            transaction=paid[accepted.pk], batch=batch.pk, lms_user_id=self.numbers["lee"], email=mails[0],
            entry=LedgerEntry.objects.filter(fund=self.fund).first().pk,
        )  # fmt: skip
        self.others |= {
            "assignment": str(others.pk), "accepted": str(other_accepted.pk), "cancelled": str(other_ended.pk),
            "email": mails[1],
            "transaction": str(paid[other_accepted.pk]), "lms_user_id": str(self.numbers["mia"]),
        }  # fmt: skip
        self.ended |= {"assignment": str(ended.pk), "accepted": str(mine.pk), "cancelled": str(mine.pk)}

    def _plan(self):
        request = flows.AllocationRequest(reload(self.budget), ENDED)
        kept, dropped = (
            flows.make_plan(
                request, PeopleFile(make_people([f"{name}@{self.domain}"]), [], []), actor=self.actors["ada"]
            )
            for name in "xy"
        )
        services.discard_plan(dropped.pk, actor=self.actors["ada"])
        self._name(plan=kept.pk, digest=kept.digest)
        self.ended["plan"] = str(dropped.pk)

    def _hooks(self):
        urls = (f"https://{self.domain}/{name}" for name in ("hook", "old"))
        kept, removed = (add_endpoint(self.customer.pk, url, actor=CONSOLE).endpoint for url in urls)
        remove_endpoint(removed.uuid, actor=CONSOLE)
        self._name(endpoint=kept.uuid)
        self.gone["endpoint"] = str(removed.uuid)

    def _texts(self):
        said = {"subject": f"{self.mark} subject", "body": f"{self.mark} body"}
        kept, removed = (
            services.set_text(self.customer.pk, "expired", language, **said, actor=CONSOLE) for language in ("en", "de")
        )
        services.remove_text(self.customer.pk, "expired", "de", actor=CONSOLE)
        self._name(text=kept.pk)
        self.gone["text"] = str(removed.uuid)

    def _people(self):
        kept, removed = (add_member(self.customer.pk, f"{name}@{self.domain}", Role.ADMIN) for name in ("pat", "rob"))
        remove_member(removed.pk)
        live, over = (create_token(f"{self.mark} key", role=Role.LEARNER, customer=self.customer.pk) for _ in range(2))
        revoke_token(over.token.pk)
        self._name(member=kept.pk, token=live.token.pk)
        self.gone["member"] = str(removed.pk)
        self.ended["token"] = str(over.token.pk)

    def _told(self):
        persons = Person.objects.filter(customer=self.customer)
        Person.objects.filter(customer=self.customer).update(name=f"{self.mark} name", department=f"{self.mark} office")
        mine = persons.get(pk=Membership.objects.get(pk=self.ids["member"]).person_id)
        assigned(self.budget, [f"zoe@{self.domain}"], OPEN)
        zoe = persons.get(email=f"zoe@{self.domain}")
        flows.erase_person(zoe, actor=CONSOLE)
        message = Message.objects.filter(customer_uuid=self.customer.pk, topic="mail").first()
        Message.objects.filter(pk=message.pk).update(state="failed", error_code="x")
        event = Event.objects.filter(customer_uuid=self.customer.pk).first()
        self._name(person=mine.pk, message=message.pk, event=event.uuid)
        self.gone["person"] = str(zoe.pk)

    def _name(self, **ids):
        self.ids |= {name: str(value) for name, value in ids.items()}


class World:
    """Acme, which is asked as; Umbra, of which nothing may be seen; and olga, who operates everything."""

    def __init__(self):
        make_courses()
        self.acme, self.umbra = Tenant("acme", 1_000), Tenant(CANARY, 2_000)
        olga = make_user("olga@bursar.example", lms_user_id=3_000)
        make_member(None, Role.OPERATOR, user=olga)
        olgas = create_token("olga", user_id=olga.pk).text
        self.tokens = {"nobody": None, **self.acme.tokens, "olga": olgas, "sam": self.umbra.tokens["ada"]}
        self.unknown = {name: str(uuid4()) for name in self.acme.ids} | {
            "lms_user_id": "777777", "slug": "nobody", "email": "nobody@nowhere.example", "digest": "0" * 64,
        }  # fmt: skip
        self.secrets = [CANARY, *(value for name, value in self.umbra.ids.items() if name != "lms_user_id")]
