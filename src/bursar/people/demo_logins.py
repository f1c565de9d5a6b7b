"""Who one can be in the demonstration: logins that everybody may know. A real installation has none of them."""

from dataclasses import dataclass
from typing import Final

from bursar.people.models import Role

SLUG: Final = "lanternworks"


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody of the demonstration."""

    role: Role
    address: str
    name: str

    @property
    def password(self) -> str:
        """The password that everybody may know."""
        return f"{SLUG}-{self.role}"


LOGINS: Final = (
    Login(Role.LEARNER, "marit.solberg@lanternworks.example", "Marit Solberg"),
    Login(Role.ADMIN, "learning@lanternworks.example", "Lou Adeyemi"),
    Login(Role.OPERATOR, "operator@bursar.example", "Robin Castellan"),
)
