"""Whose password is compared: that of the one user with exactly this address, as our normal form has it."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from bursar.people.selectors import user_with


class ByAddress(AuthenticationBackend):  # type: ignore[misc]  # allauth is untyped
    """Takes as long for an address that nobody has as for one that somebody has."""

    def _authenticate_by_email(self, email: str, password: str) -> Any | None:
        return self._check_password(user_with(email), password)
