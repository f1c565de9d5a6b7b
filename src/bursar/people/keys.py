"""The stored key of an address: what uniqueness and look-ups compare instead of the address itself."""

import hashlib
import hmac
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from bursar.kernel.fields import ExactCharField
from bursar.people.addresses import LONGEST_ADDRESS, BadAddress, address_key, normal_form
from bursar.people.installation import pepper


@cache
def _pepper() -> bytes:
    return pepper()


def key_of(address: str) -> str:
    """Return the key of an address: the same for every spelling of one address, 64 hexadecimal digits.

    Text that is no address (an import brought it) gets a key of its trimmed, lower-case self, so that it stays apart.
    """
    try:
        normal = normal_form(address)
    except BadAddress:
        normal = address.strip().lower()
    return address_key(normal, _pepper())


def keys_of(normal_forms: list[str]) -> list[str]:
    """Return the keys of addresses that are in normal form already, in order."""
    secret = _pepper()
    return [address_key(normal, secret) for normal in normal_forms]


def keyed_hash(purpose: str, *parts: str | bytes) -> str:
    """Return 64 hexadecimal digits that stand for `parts` here and for nobody who has only a copy of the table."""
    mac = hmac.new(_pepper(), purpose.encode(), hashlib.sha256)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "big") + data)
    return mac.hexdigest()


class AddressField(models.EmailField):  # type: ignore[type-arg]
    """An e-mail address as first written; its validator takes every address that our normal form takes."""

    default_validators = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST_ADDRESS)
        super().__init__(*args, **kwargs)

    def run_validators(self, value: Any) -> None:
        """Refuse what is no address, with our words."""
        super().run_validators(value)
        if value not in self.empty_values:
            try:
                normal_form(value)
            except BadAddress as error:
                raise ValidationError(error.message, code=error.code) from error


class AddressKeyField(ExactCharField):
    """The key of the address in the field named `source`; filled when the row is written, by bulk writes too."""

    def __init__(self, *args: Any, source: str = "email", **kwargs: Any) -> None:
        self.source = source
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Remember the source in migrations."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """Return the key of the address as it is now, so that validation finds a twin before the database does."""
        return value if model_instance is None else self.pre_save(model_instance, add=False)

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:  # noqa: ARG002 - Django's signature
        """Return the key of the address as it is now, also on the instance; without one, the database refuses both."""
        address = getattr(model_instance, self.source)
        key = None if address is None else key_of(address)
        setattr(model_instance, self.attname, key)
        return key
