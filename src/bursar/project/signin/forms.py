"""What is typed to sign in: an address as ours are, international ones too, answered the same whoever it belongs to."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.core import context, ratelimit
from django import forms
from django.utils.translation import gettext_lazy

from bursar.people.addresses import LONGEST_ADDRESS, BadAddress, normal_form
from bursar.project.signin.addresses import active_user, active_user_or_invited


class AddressField(forms.CharField):
    """Takes an address and gives its normal form."""

    def __init__(self) -> None:
        attributes = {"autocomplete": "username", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        widget = forms.TextInput(attrs=attributes)
        super().__init__(label=gettext_lazy("E-mail address"), max_length=LONGEST_ADDRESS, widget=widget)

    def clean(self, value: Any) -> str:
        """Return the normal form; refuse what is no address, with our words."""
        try:
            return normal_form(super().clean(value))
        except BadAddress as error:
            raise forms.ValidationError(error.message, code=error.code) from error


class Login(allauth_forms.LoginForm):  # type: ignore[misc]  # allauth is untyped
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressField()
        self.order_fields(["login", "password"])
        self.fields["password"].help_text = ""


class RequestCode(allauth_forms.RequestLoginCodeForm):  # type: ignore[misc]  # allauth is untyped
    """An address to which a code is sent, if somebody is there."""

    email = AddressField()

    def clean_email(self) -> str:
        """Find whose it is; whether there is anybody is not told."""
        address: str = self.cleaned_data["email"]
        if not ratelimit.consume(context.request, action="request_login_code", key=address):
            raise get_adapter().validation_error("too_many_login_attempts")
        self._user = active_user_or_invited(address)
        return address


class ResetPassword(allauth_forms.ResetPasswordForm):  # type: ignore[misc]  # allauth is untyped
    """An address to which a link to a new password is sent, if somebody is there."""

    email = AddressField()

    def clean_email(self) -> str:
        """Find whose it is; whether there is anybody is not told."""
        user = active_user(self.cleaned_data["email"])
        self.users = [] if user is None else [user]
        return str(self.cleaned_data["email"])
