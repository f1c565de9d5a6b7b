"""What Schemathesis takes for a fault and is none, each with its reason. Nothing else is let pass, and no check is off.

A schema says which form a request has. Whether it is also true (a cursor that we gave, a language that there is, a date to
come) only the rules know, and their refusals have codes of their own; a request refused for its *form*
(`invalid_input`) although it fits its schema always fails the run.
"""

import json
from dataclasses import dataclass

# Refusals of our own API, 400 unless said otherwise, of requests that fit their schema.
OF_RULES = {
    "invalid_cursor": "cursors are signed: only those that a list has given are any",
    "stale": "412: the ETag is not the present one",
    "idempotency_key_reused": "422: generated keys come again with other bodies",
    "invalid_address": "what an address is, is more than a pattern can say",
    "invalid_manager_address": "the same",
    "unknown_event_type": "several types are one text with commas",
    "invalid_time_zone": "time zones are those of the database of zones",
    "invalid_language": "languages are those that BCP 47 has",
    "invalid_currency": "currencies are those that there are",
    "missing_name": "a name of blanks is none",
    "missing_title": "the same",
    "missing_reason": "the same",
    "invalid_key": "keys of courses have no blanks",
    "invalid_rule": "which lists a rule has use for",
    "invalid_dates": "a token ends in the future, a fund after its start",
    "deadline_passed": "a deadline is to come",
    "wrong_digest": "a digest is that of its plan",
    "invalid_token_owner": "a token speaks for a user or for a role",
    "missing_customer": "a learner's role is one at a customer",
    "invalid_url": "where webhooks may go is looked at part by part",
    "invalid_host": "the same",
    "not_https": "the same",
    "forbidden_address": "the same",
    "forbidden_port": "the same",
    "forbidden_host": "the same",
    "forbidden_userinfo": "the same",
    "forbidden_fragment": "the same",
    "invalid_quiet_hours": "quiet hours end at another time than they begin",
    "no_steps": "a policy has a day before or after",
    "unknown_placeholder": "which placeholders a text may have, goes by the kind of mail",
    "missing_placeholder": "the same",
    "tag_not_allowed": "what a text may hold is more than a pattern can say",
    "stray_brace": "the same",
    "control_character": "the same",
    "empty_text": "a text of blanks is none",
    "unknown_kind": "kinds are those that there are",
    "empty_file": "what a file holds is no matter of its type; a byte order mark alone is nothing",
    "nul_bytes": "the same",
    "no_header": "the same",
    "no_rows": "the same",
    "no_address_column": "the same",
    "malformed_csv": "the same",
    "wrong_encoding": "the same",
}
# Fields whose form the record's own validators judge (`invalid_input`).
OF_RECORDS = {
    "body/logo_url": "what the address of a picture is, is more than a pattern can say",
    "body/contact_email": "as invalid_address",
}
# Answers of the Open edX wire: its 422 is always a rule's, and these are its 400s, by how they begin.
OF_THE_WIRE = {
    '{"content_key":': "the catalog knows which keys are keys (wire 2.5)",
    '{"error":"No assignments found': "wire L6",
    '{"non_field_errors":["Exactly one of page': "wire A11",
    '{"detail":"The customer of a configuration': "rules of configurations",
    '{"detail":"The budget of a configuration': "rules of configurations",
    '{"learner_emails":': "what an address is, is more than a pattern can say",
}
TEXT = ("text/csv", "application/x-ndjson")


@dataclass(frozen=True)
class Told:
    """An answer as the rules look at it."""

    status: int
    text: str

    @property
    def facts(self):
        """Return the body of a refusal, or nothing."""
        try:
            found = json.loads(self.text)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}

    @property
    def code(self):
        """Return the stable code of a refusal of our own API, or nothing."""
        return str(self.facts.get("code", ""))


def is_fault(title, path, media, told):
    """Tell whether a failure is one: `title` is what Schemathesis calls it."""
    ours = path.startswith("/v1/")
    if title == "Schema-valid request rejected":
        return not (of_rules(told) if ours else of_the_wire(told))
    if title == "Missing required header accepted":
        return told.status != 428  # RFC 6585: that is the very refusal
    if title == "Schema-violating request accepted":
        return media not in TEXT  # whatever is sent as text is one
    return True


def of_rules(told):
    """Tell whether our own API refuses by a rule."""
    faults = told.facts.get("errors") or [{}]
    return told.code in OF_RULES or all(fault.get("where") in OF_RECORDS for fault in faults)


def of_the_wire(told):
    """Tell whether the Open edX wire refuses by a rule."""
    return told.status == 422 or (told.status == 400 and told.text.startswith(tuple(OF_THE_WIRE)))
