"""A customer with one budget on one fund."""

import pytest

from bursar.testing.factories import make_house


@pytest.fixture
def house():
    """10,000 dollars in the fund, 5,000 of them in the budget."""
    return make_house(deposit_cents=1_000_000, limit_cents=500_000)
