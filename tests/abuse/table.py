"""Who may do what: one row for every operation of both APIs, written by hand and held against their descriptions.

Words in braces are ids of the caller's own customer; each is also tried as somebody else's. A row for a list names
everybody who may ask, though learners are shown nothing there.
"""

from dataclasses import dataclass, field

from tests.abuse.world import ENDED, OPEN, RUNS

EVERYBODY = frozenset({"lee", "ada", "otto", "olga"})
ADMINS = EVERYBODY - {"lee"}
OPERATORS = frozenset({"otto", "olga"})
OLGA = frozenset({"olga"})


@dataclass(frozen=True)
class Row:
    """Who may, and a request that is good: `path` renames what the path calls otherwise.

    `noted` names ids that are kept as they are given, `lax` filters of the Open edX wire, where what nobody knows fits nothing, whatever it is.
    `elsewhere` says how a place answers to an id of somebody else, where the rule of the API (`expected`) does not hold.
    """

    may: frozenset
    body: dict | str | None = None
    query: dict = field(default_factory=dict)
    path: dict = field(default_factory=dict)
    elsewhere: dict = field(default_factory=dict)
    status: tuple = (200, 201, 202, 204)
    media: str = "application/json"
    lax: tuple = ()
    noted: tuple = ()


def many(of, **terms):
    """Return the row of a verb that answers for each of many assignments: what is not there is refused by itself."""
    return {"body": {"assignments": [f"{{{of}}}"], **terms}, "elsewhere": {"body assignments": 200}}


PEOPLE = [{"email": "new@acme.example"}]
OFFER = {"budget": "{budget}", "content_key": ENDED}
FILE = {"query": OFFER, "body": "email\nnew@acme.example\n", "media": "text/csv", "elsewhere": {"query budget": 404}}
POLICY, SUBSIDY = {"policy": "{budget}"}, {"subsidy": "{fund}"}
NAMED = {"assignment_uuids": ["{assignment}"]}
FILTERS = {"lms_user_id": "{lms_user_id}", "lms_user_id__in": "{lms_user_id}", "learner_email": "{email}"}
LAX = tuple(f"query {name}" for name in FILTERS)
CONFIGURATION = {"enterprise_customer_uuid": "{customer}", "subsidy_access_policy": "{budget}", "active": True}
ALLOCATION = {"content_key": RUNS[ENDED], "content_price_cents": 900, "learner_emails": ["new@acme.example"]}
OF_CUSTOMER = {"enterprise_customer_uuid": "{customer}"}

OWN = {
    "GET /v1/customers": Row(EVERYBODY, query={"slug": "{slug}"}),
    "POST /v1/customers": Row(OLGA, {"name": "New"}),
    "GET /v1/customers/{customer}": Row(ADMINS),
    "PATCH /v1/customers/{customer}": Row(ADMINS, {"name": "Other"}),
    "GET /v1/customers/{customer}/members": Row(ADMINS),
    "POST /v1/customers/{customer}/members": Row(ADMINS, {"email": "new@acme.example", "role": "learner"}),
    "DELETE /v1/customers/{customer}/members/{member}": Row(ADMINS),
    "GET /v1/customers/{customer}/reminder-policy": Row(ADMINS),
    "PATCH /v1/customers/{customer}/reminder-policy": Row(ADMINS, {"per_week": 3}),
    "POST /v1/customers/{customer}/reminder-policy/forecast": Row(ADMINS, {"per_week": 3}),
    "GET /v1/customers/{customer}/texts": Row(ADMINS),
    "POST /v1/customers/{customer}/texts": Row(
        ADMINS, {"kind": "cancelled", "language": "en", "subject": "New", "body": "New."}
    ),
    "DELETE /v1/customers/{customer}/texts/{text}": Row(ADMINS),
    "GET /v1/customers/{customer}/acts": Row(ADMINS),
    "GET /v1/funds": Row(EVERYBODY, query={"customer": "{customer}"}),
    "POST /v1/funds": Row(OPERATORS, {"customer": "{customer}", "title": "New"}),
    "GET /v1/funds/{fund}": Row(ADMINS),
    "PATCH /v1/funds/{fund}": Row(OPERATORS, {"expires_at": "2030-01-01T00:00:00Z"}),
    "POST /v1/funds/{fund}/deposits": Row(OPERATORS, {"amount_cents": 100}),
    "POST /v1/funds/{fund}/adjustments": Row(OPERATORS, {"amount_cents": 100, "reason": "Wrong"}),
    "GET /v1/funds/{fund}/ledger": Row(ADMINS),
    "GET /v1/funds/{fund}/transactions": Row(ADMINS, query={"budget": "{budget}", "assignment": "{accepted}"}),
    "GET /v1/transactions/{transaction}": Row(ADMINS),
    "GET /v1/budgets": Row(EVERYBODY, query={"customer": "{customer}", "fund": "{fund}"}),
    "POST /v1/budgets": Row(OPERATORS, {"fund": "{fund}", "name": "New", "limit_cents": 1, "catalog": "{catalog}"}),
    "GET /v1/budgets/{budget}": Row(ADMINS),
    "PATCH /v1/budgets/{budget}": Row(OPERATORS, {"name": "Other", "catalog": "{catalog}"}),
    "POST /v1/budgets/{budget}/retire": Row(OPERATORS),
    "GET /v1/courses": Row(ADMINS, query={"catalog": "{catalog}"}, elsewhere={"query catalog": 404}),
    "POST /v1/courses": Row(OLGA, "key,title,price_usd\nDemoX+NEW,New,1.00\n", {"kind": "courses"}, media="text/csv"),
    "GET /v1/courses/{key}": Row(ADMINS, path={"key": OPEN}),
    "GET /v1/catalogs": Row(ADMINS, query={"customer": "{customer}"}),
    "POST /v1/catalogs": Row(OPERATORS, {"title": "New", "customer": "{customer}"}),
    "GET /v1/catalogs/{catalog}": Row(ADMINS),
    "PATCH /v1/catalogs/{catalog}": Row(OPERATORS, {"title": "Other"}),
    "GET /v1/tokens": Row(EVERYBODY, query={"customer": "{customer}"}),
    "POST /v1/tokens": Row(ADMINS, {"name": "New", "role": "learner", "customer": "{customer}"}),
    "DELETE /v1/tokens/{token}": Row(ADMINS),
    "GET /v1/audit": Row(OLGA),
    "GET /v1/assignments": Row(
        EVERYBODY, query={"customer": "{customer}", "budget": "{budget}", "batch": "{batch}", "email": "{email}"}
    ),
    "GET /v1/assignments/{assignment}": Row(EVERYBODY),
    "POST /v1/assignments/cancel": Row(ADMINS, **many("assignment")),
    "POST /v1/assignments/reverse": Row(ADMINS, **many("accepted")),
    "POST /v1/assignments/accept": Row(EVERYBODY, **many("assignment")),
    "POST /v1/assignments/remind": Row(ADMINS, **many("assignment")),
    "POST /v1/assignments/nudge": Row(ADMINS, **many("starting", days=7)),
    "POST /v1/assignments/extend": Row(ADMINS, **many("assignment", until="2030-01-01T00:00:00Z", reason="Ill")),
    "POST /v1/assignments/{assignment}/hand-over": Row(ADMINS, {"email": "new@acme.example"}),
    "POST /v1/assignments/acknowledge": Row(EVERYBODY, **many("cancelled")),
    "GET /v1/plans": Row(EVERYBODY, query={"budget": "{budget}"}),
    "POST /v1/plans": Row(ADMINS, {**OFFER, "people": PEOPLE}),
    "POST /v1/plans/file": Row(ADMINS, **FILE),
    "GET /v1/plans/{plan}": Row(ADMINS),
    "DELETE /v1/plans/{plan}": Row(ADMINS),
    "GET /v1/plans/{plan}/rows": Row(ADMINS),
    "POST /v1/plans/{plan}/apply": Row(ADMINS, {"digest": "{digest}"}, elsewhere={"body digest": 400}),
    "GET /v1/batches": Row(EVERYBODY, query={"budget": "{budget}"}),
    "POST /v1/batches": Row(ADMINS, {**OFFER, "people": PEOPLE}),
    "POST /v1/batches/file": Row(ADMINS, **FILE),
    "GET /v1/batches/{batch}": Row(ADMINS),
    "GET /v1/batches/{batch}/rows": Row(ADMINS),
    "GET /v1/batches/{batch}/rows.csv": Row(ADMINS),
    "POST /v1/batches/{batch}/undo": Row(ADMINS),
    "GET /v1/events": Row(ADMINS, query={"customer": "{customer}"}, elsewhere={"query customer": 404}),
    "GET /v1/webhooks": Row(EVERYBODY, query={"customer": "{customer}"}),
    "POST /v1/webhooks": Row(ADMINS, {"customer": "{customer}", "url": "https://new.example/hook"}),
    "GET /v1/webhooks/{endpoint}": Row(ADMINS),
    "PATCH /v1/webhooks/{endpoint}": Row(ADMINS, {"types": ["assignment.accepted"]}),
    "DELETE /v1/webhooks/{endpoint}": Row(ADMINS),
    "POST /v1/webhooks/{endpoint}/secret": Row(ADMINS, {"keep_previous_hours": 1}),
    "POST /v1/webhooks/{endpoint}/disable": Row(ADMINS),
    "POST /v1/webhooks/{endpoint}/enable": Row(ADMINS),
    "POST /v1/webhooks/{endpoint}/test": Row(ADMINS),
    "POST /v1/webhooks/{endpoint}/replay": Row(ADMINS, {"events": ["{event}"]}, elsewhere={"body events": 202}),
    "GET /v1/webhooks/{endpoint}/deliveries": Row(ADMINS),
    "GET /v1/messages": Row(EVERYBODY, query={"customer": "{customer}", "about": "{assignment}"}),
    "POST /v1/messages/replay": Row(ADMINS, {"messages": ["{message}"]}, elsewhere={"body messages": 200}),
    "GET /v1/people": Row(EVERYBODY, query={"customer": "{customer}", "email": "{email}"}),
    "GET /v1/people/{person}": Row(ADMINS),
    "PATCH /v1/people/{person}": Row(ADMINS, {"name": "Other"}),
    "GET /v1/people/{person}/export": Row(ADMINS),
    "POST /v1/people/{person}/erase": Row(ADMINS),
}

P, A, R, S = (
    f"/api/v1/{name}"
    for name in ("subsidy-access-policies", "assignment-configurations", "policy-redemption", "subsidies")
)
ACTING = f"{A}/{{configuration}}/admin/assignments"
OPENEDX = {
    f"GET {P}/": Row(EVERYBODY, query=OF_CUSTOMER),
    f"GET {P}/{{policy}}/": Row(EVERYBODY, path=POLICY),
    f"GET {P}/{{policy}}/group-members": Row(
        ADMINS,
        path=POLICY,
        query={"group_uuid": "{lone}", "page": 1},
        status=(404,),
        elsewhere={"query group_uuid": 404},
    ),
    "POST /api/v1/policy-allocation/{policy}/allocate/": Row(
        ADMINS, ALLOCATION, path=POLICY, noted=("body admin_lms_user_id",)
    ),
    f"GET {A}/": Row(ADMINS, query=OF_CUSTOMER),
    f"POST {A}/": Row(OPERATORS, CONFIGURATION | {"subsidy_access_policy": "{bare}"}),
    f"GET {A}/{{configuration}}/": Row(ADMINS),
    f"PUT {A}/{{configuration}}/": Row(OPERATORS, CONFIGURATION),
    f"PATCH {A}/{{configuration}}/": Row(OPERATORS, CONFIGURATION),
    f"DELETE {A}/{{configuration}}/": Row(OPERATORS),
    f"GET {ACTING}/": Row(ADMINS, query=FILTERS, lax=LAX),
    f"POST {ACTING}/cancel/": Row(ADMINS, NAMED),
    f"POST {ACTING}/remind/": Row(ADMINS, NAMED),
    f"POST {ACTING}/cancel-all/": Row(ADMINS, query=FILTERS, lax=LAX),
    f"POST {ACTING}/remind-all/": Row(ADMINS, query=FILTERS, lax=LAX),
    f"POST {ACTING}/nudge/": Row(ADMINS, {"assignment_uuids": ["{starting}"], "days_before_course_start_date": 7}),
    f"GET {ACTING}/{{assignment}}/": Row(ADMINS),
    f"GET {A}/{{configuration}}/assignments/": Row(EVERYBODY),
    f"POST {A}/{{configuration}}/acknowledge-assignments/": Row(
        EVERYBODY,
        {"assignment_uuids": ["{cancelled}"]},
        status=(201, 400),  # 400: only one's own
    ),
    f"GET {R}/credits_available/": Row(EVERYBODY, query=OF_CUSTOMER | {"lms_user_id": "{lms_user_id}"}),
    f"GET {R}/enterprise-customer/{{customer}}/can-redeem/": Row(
        EVERYBODY, query={"content_key": RUNS[OPEN], "lms_user_id": "{lms_user_id}"}
    ),
    f"GET {R}/enterprise-customer/{{customer}}/can-request/": Row(EVERYBODY, query={"content_key": OPEN}),
    f"POST {R}/{{policy}}/redeem/": Row(
        EVERYBODY - {"ada"}, {"lms_user_id": "{lms_user_id}", "content_key": RUNS[OPEN]}, path=POLICY
    ),
    f"GET {S}/": Row(ADMINS, query=OF_CUSTOMER),
    f"GET {S}/{{subsidy}}/": Row(ADMINS, path=SUBSIDY),
    f"GET {S}/{{subsidy}}/can_redeem/": Row(
        ADMINS, path=SUBSIDY, query={"lms_user_id": "{lms_user_id}", "content_key": RUNS[OPEN]}
    ),
    "GET /api/v1/transactions/{key}/": Row(EVERYBODY, path={"key": "{transaction}"}),
    "GET /api/v2/subsidies/{subsidy}/admin/transactions/": Row(
        ADMINS, path=SUBSIDY, query={"lms_user_id": "{lms_user_id}", "subsidy_access_policy_uuid": "{budget}"}
    ),
    "POST /api/v2/subsidies/{subsidy}/admin/transactions/": Row(
        OPERATORS,
        {"lms_user_id": "{lms_user_id}", "content_key": RUNS[OPEN], "subsidy_access_policy_uuid": "{budget}"},
        path=SUBSIDY,
    ),
    "GET /api/v1/content-metadata/{key}/": Row(EVERYBODY, query=OF_CUSTOMER, path={"key": OPEN}),
}

TABLE = OWN | OPENEDX
