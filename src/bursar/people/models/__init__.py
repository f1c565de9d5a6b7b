"""Customers, the people known to them, users' profiles and roles, and API tokens."""

from bursar.people.models.audit import AuditEntry
from bursar.people.models.customers import Customer
from bursar.people.models.installation import Installation
from bursar.people.models.limits import RequestCount
from bursar.people.models.mailboxes import Mailbox, StopReason, Unsubscription
from bursar.people.models.members import LearnerNumber, Membership, Profile, Role
from bursar.people.models.persons import Person
from bursar.people.models.providers import IdentityProvider
from bursar.people.models.tokens import ApiToken

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Customer",
    "IdentityProvider",
    "Installation",
    "LearnerNumber",
    "Mailbox",
    "Membership",
    "Person",
    "Profile",
    "RequestCount",
    "Role",
    "StopReason",
    "Unsubscription",
]
