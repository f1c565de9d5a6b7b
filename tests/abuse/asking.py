"""Making a row of the table into a request, with one of its ids replaced, and sending it as somebody."""

import json
import re
from contextlib import contextmanager
from urllib.parse import quote, urlencode
from uuid import uuid4

from django.db import transaction
from django.test import Client
from tests.abuse.operations import operations
from tests.abuse.table import TABLE

SLOT = re.compile(r"{(\w+)}")
CLIENT = Client()  # its handler loads the middleware once


class Request:
    """One operation with every word in braces filled in: from `ids`, but at one place from `instead`."""

    def __init__(self, name, ids, *, place=None, instead=None):
        self.operation, self.row = operations()[name], TABLE[name]
        self.ids, self.place, self.instead = ids, place, instead or {}

    def _fill(self, value, where):
        """Fill a template; what stands for a whole value may be of any type, so that it can be malformed."""
        ids = self.instead if where == self.place else self.ids
        if isinstance(value, dict):
            return {name: self._fill(item, f"{where} {name}") for name, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item, where) for item in value]
        if not isinstance(value, str) or not (slots := SLOT.findall(value)):
            return value
        return ids[slots[0]] if value == f"{{{slots[0]}}}" else SLOT.sub(lambda found: ids[found[1]], value)

    @property
    def path(self):
        names = {name: f"{{{name}}}" for name in self.operation.path_names} | self.row.path
        filled = {name: quote(str(self._fill(value, f"path {name}")), safe="+") for name, value in names.items()}
        query = urlencode(self._fill(self.row.query, "query"), doseq=True)
        return self.operation.path.format(**filled) + (f"?{query}" if query else "")

    @property
    def body(self):
        body = self._fill(self.row.body, "body")
        return body if isinstance(body, str) else "" if body is None else json.dumps(body)

    def send(self, token, *, path=None, body=None, **headers):
        """Send it, with whatever header the operation demands."""
        demanded = {"Idempotency-Key": str(uuid4()), "If-Match": "*"} if self.operation.is_write else {}
        named = self.operation.parameters("header")
        headers = {name: value for name, value in demanded.items() if name in named} | headers
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        sent = self.body if body is None else body
        CLIENT.cookies.clear()
        return CLIENT.generic(
            self.operation.method, path or self.path, sent, content_type=self.row.media, headers=headers
        )


def places(name):
    """Return where a request of this operation names an id, with the kind: {"path fund": "fund", …}."""
    row, found = TABLE[name], {}
    path = {item: f"{{{item}}}" for item in operations()[name].path_names} | row.path
    body = row.body if isinstance(row.body, dict) else {}
    for where, values in (("path", path), ("query", row.query), ("body", body)):
        for key, value in values.items():
            slots = SLOT.findall(json.dumps(value))
            if slots:
                found[f"{where} {key}"] = slots[0]
    return found


def text_of(response):
    """Return all that an answer says: its body and its headers."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode() + "\n".join(f"{name}: {value}" for name, value in response.items())


@contextmanager
def undone():
    """Take back whatever the block writes, as a test does."""
    atomic = transaction.atomic()
    atomic._from_testcase = True
    with atomic:
        yield
        transaction.set_rollback(True)
