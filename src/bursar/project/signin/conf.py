"""Django settings of signing in: django-allauth, told to know people by their address and to tell strangers nothing."""

from typing import Any, Final

HERE: Final = "bursar.project.signin"

APPS: Final = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]


def signin_settings(*, is_secure: bool) -> dict[str, Any]:
    """Return the settings; `is_secure` says whether people reach the service by https."""
    prefix = "__Host-bursar_" if is_secure else "bursar_"  # an LMS on the same host or domain has Django's names
    return {
        "AUTHENTICATION_BACKENDS": [f"{HERE}.backends.ByAddress"],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "start",
        "SESSION_COOKIE_NAME": f"{prefix}sessionid",
        "CSRF_COOKIE_NAME": f"{prefix}csrftoken",
        "ACCOUNT_ADAPTER": f"{HERE}.adapters.AccountAdapter",
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https" if is_secure else "http",
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED": True,
        "ACCOUNT_FORMS": {
            "login": f"{HERE}.forms.Login",
            "request_login_code": f"{HERE}.forms.RequestCode",
            "reset_password": f"{HERE}.forms.ResetPassword",
        },
        "ACCOUNT_LOGIN_BY_CODE_ENABLED": True,
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_PREVENT_ENUMERATION": True,
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
        "MFA_ADAPTER": f"{HERE}.adapters.SecondFactorAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "MFA_TOTP_ISSUER": "Bursar",
        "SOCIALACCOUNT_ADAPTER": f"{HERE}.organisations.OrganisationAdapter",
        "SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX": "oidc",
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"OAUTH_PKCE_ENABLED": True}},
        "SOCIALACCOUNT_STORE_TOKENS": False,
    }
