"""Imported in the host project's own process once Django is set up: both APIs answer, documented and to a token alone."""

import sys
from io import StringIO

from django.core.management import call_command
from django.test import Client

from bursar.people.models import Role
from bursar.people.services import create_customer
from bursar.people.tokens import create_token

call_command("check", stdout=StringIO())
call_command("migrate", run_syncdb=True, verbosity=0)
customer = create_customer("Host")
nobody, admin = Client(), create_token("host", role=Role.ADMIN, customer=customer.pk).text
known = Client(headers={"Authorization": f"Bearer {admin}"})
budgets = f"/api/v1/subsidy-access-policies/?enterprise_customer_uuid={customer.pk}"
for address, refused in (("/v1/customers", 401), (budgets, 401), ("/v1/docs", 200), ("/csrf/api/v1/token", 200)):
    assert nobody.get(address).status_code == refused, address
    answer = known.get(address)
    assert answer.status_code == 200, (address, answer.content)
assert "RateLimit" in known.get(budgets)
sys.stdout.write("both answer")
