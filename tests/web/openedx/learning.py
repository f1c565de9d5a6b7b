"""A learner at Acme, and how they ask."""

import json
from urllib.parse import urlencode

from django.test import Client

from bursar.people.tokens import create_token
from bursar.testing.factories import make_member, make_user

RUN = "course-v1:DemoX+D101+R1"
EMAIL = "lee@acme.example"
NUMBER = 12
A = "/api/v1/policy-redemption"


class Caller:
    """Somebody with a role at a customer, and their client by a token of theirs."""

    def __init__(self, customer, role="learner", *, email=EMAIL, number=NUMBER):
        self.number, self.customer = number, customer
        self.user = make_user(email, lms_user_id=number)
        self.actor = make_member(customer, role, user=self.user)
        self.client = client_of(user_id=self.user.pk)

    def credits(self, number=None, customer=None):
        at = (customer or self.customer).pk
        return self.get(f"{A}/credits_available/", enterprise_customer_uuid=at, lms_user_id=number or self.number)

    def can_redeem(self, *keys, customer=None):
        at = (customer or self.customer).pk
        return self.get(f"{A}/enterprise-customer/{at}/can-redeem/", content_key=keys or (RUN,))

    def redeem(self, budget, key=RUN, *, number=None, **more):
        body = {"lms_user_id": number or self.number, "content_key": key, "metadata": {}, **more}
        return self.post(f"{A}/{budget.pk}/redeem/", body)

    def get(self, path, **query):
        return self.client.get(f"{path}?{urlencode(query, doseq=True)}")

    def post(self, path, body):
        return self.client.post(path, json.dumps(body), content_type="application/json")


def client_of(**owner):
    """Return a client with a token of this user, or of this role."""
    return Client(headers={"Authorization": f"Bearer {create_token('test', **owner).text}"})
