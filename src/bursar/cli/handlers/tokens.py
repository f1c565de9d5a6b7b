"""API tokens from the command line."""

from collections.abc import Sequence

from bursar.cli.handlers.shapes import token_shape
from bursar.cli.handlers.users import find_user
from bursar.cli.output import Answer, facts, table
from bursar.cli.values import date_text, moment, uuid_of
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import ApiToken
from bursar.people.selectors import find_customer
from bursar.people.tokens import create_token, revoke_token


def create(
    name: str, *, user: str | None, customer: str | None, role: str | None, scopes: Sequence[str], expires: str | None
) -> Answer:
    """Make a token and show its text, this once."""
    made = create_token(
        name,
        user_id=find_user(user).pk if user else None,
        customer=find_customer(customer, None).pk if customer else None,
        role=role or "",
        scopes=scopes,
        expires_at=moment(expires, "--expires") if expires else None,
        actor=CONSOLE,
    )
    shown = facts((("Token", made.text), ("Name", made.token.name), ("Ends", date_text(made.token.expires_at))))
    return Answer(
        {"token": made.text, **token_shape(made.token)}, (shown, "It is shown this once; only its digest is kept.")
    )


def list_all() -> Answer:
    """Name every token."""
    rows = list(ApiToken.objects.select_related("user", "customer"))
    now = clock.now()
    shown = table(
        ("Name", "Begins with", "Speaks for", "Ends", "", "Uuid"),
        [
            (
                row.name,
                row.prefix,
                _owner(row),
                date_text(row.expires_at),
                "" if row.is_live(now) else "revoked" if row.revoked_at else "over",
                row.pk,
            )
            for row in rows
        ],
    )
    return Answer({"tokens": [token_shape(row) for row in rows]}, (shown if rows else "There is no token.",))


def _owner(row: ApiToken) -> str:
    if row.user is not None:
        return str(row.user.get_username())
    return f"{row.role} at {row.customer.slug if row.customer else 'every customer'}"


def revoke(token: str) -> Answer:
    """Take a token back."""
    row = revoke_token(uuid_of(token, "a token"), actor=CONSOLE)
    return Answer(token_shape(row), (f"The token {row.name} ({row.prefix}…) is revoked.",))
