"""B1 and B3: a hundred callers with one key bring about one effect and get one answer, also when first attempts roll back."""

import itertools
import json
import threading
from collections import Counter

import pytest
from django.db import OperationalError
from tests.race.crowd import at_once, figure

from bursar.api import idempotency
from bursar.api.idempotency import KeyReused, Reply, Slot
from bursar.api.models import IdempotencyKey
from bursar.budgets import services
from bursar.budgets.models import LedgerEntry
from bursar.kernel.actor import CONSOLE
from bursar.testing.factories import make_house

CALLERS = 100
AMOUNT = 700


@pytest.fixture
def house(transactional_db):
    return make_house()


def caller(house, *, key="one", body=b"{}", before=lambda: None):
    """Return a call that deposits under a key, and answers with the entry that it made or found."""
    slot = Slot.of(CONSOLE, house.customer.pk, "POST deposits", key, (body,))

    def deposit():
        before()
        return services.deposit(house.fund.pk, AMOUNT)

    def keep(fund):
        return Reply(201, {"sequence": fund.ledger_length})

    return lambda: idempotency.once(slot, deposit, keep, lambda error: Reply(409, error.code))


def deposits(house):
    return LedgerEntry.objects.filter(fund=house.fund, amount_cents=AMOUNT).count()


def test_without_the_key_every_caller_has_an_effect(house):
    """The control: what a client that retries would do to us."""
    at_once(*[lambda: services.deposit(house.fund.pk, AMOUNT) for _ in range(CALLERS)])
    figure("effects of a hundred callers without a key", deposits(house))
    assert deposits(house) > 1


def test_a_key_that_is_only_looked_up_lets_several_through(house, monkeypatch):
    """The control: a look before the transaction, and the key written after it."""
    slot = Slot.of(CONSOLE, house.customer.pk, "POST deposits", "one", (b"{}",))

    def looked_up():
        if slot.find() is None:
            services.deposit(house.fund.pk, AMOUNT)
            row = slot.new_row()
            row.status = 201
            IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)

    at_once(*[looked_up for _ in range(CALLERS)])
    figure("effects of a hundred callers who look first", deposits(house))
    assert deposits(house) > 1


def test_a_hundred_callers_with_one_key_have_one_effect_and_one_answer(house, retries):
    answers = at_once(*[caller(house) for _ in range(CALLERS)])
    assert {(kept.status, kept.content) for kept in answers} == {
        (201, json.dumps({"sequence": 2}, separators=(",", ":")).encode())
    }
    assert Counter(kept.replayed for kept in answers) == {False: 1, True: CALLERS - 1}
    assert (deposits(house), IdempotencyKey.objects.count()) == (1, 1)
    figure("conflicts", retries.total)
    assert retries.deadlocks == 0
    assert retries.worst <= 1


def test_half_of_the_first_attempts_roll_back_and_still_there_is_one_effect(house, monkeypatch):
    real, numbers, failed = services._enter, itertools.count(), set()

    def sometimes(*given):
        real(*given)
        if next(numbers) % 2 == 0 and threading.get_ident() not in failed:
            failed.add(threading.get_ident())
            raise OperationalError("rolled back on purpose")

    monkeypatch.setattr(services, "_enter", sometimes)

    def again(call):
        """Call as a client does that got no answer: once more, with the same key."""

        def calling():
            try:
                return call()
            except OperationalError:
                return call()

        return calling

    answers = at_once(*[again(caller(house)) for _ in range(CALLERS)])
    assert failed
    assert len({kept.content for kept in answers}) == 1
    assert (deposits(house), IdempotencyKey.objects.count()) == (1, 1)


def test_callers_who_mean_different_things_by_one_key_have_one_effect(house):
    answers = at_once(*[caller(house, body=b"%d" % (number % 2)) for number in range(CALLERS)])
    refused = [answer for answer in answers if isinstance(answer, KeyReused)]
    assert len(refused) == CALLERS // 2
    assert deposits(house) == 1


def test_a_refusal_and_an_effect_under_one_key_never_both_stand(house):
    """Money comes in while callers are refused: whoever wrote first is what every caller is told."""
    slot = Slot.of(CONSOLE, house.customer.pk, "POST adjustments", "one", (b"{}",))
    cents = -(house.fund.balance_cents + 1)

    def adjust():
        return idempotency.once(
            slot,
            lambda: services.adjust(house.fund.pk, cents, reason="all of it"),
            lambda _: Reply(201, "done"),
            lambda error: Reply(409, error.code),
        )

    answers = at_once(
        *[adjust for _ in range(30)], lambda: services.deposit(house.fund.pk, 1), *[adjust for _ in range(30)]
    )
    told = {kept.content for kept in answers if isinstance(kept, idempotency.Kept)}
    assert len(told) == 1
    done = LedgerEntry.objects.filter(fund=house.fund, amount_cents=cents).count()
    assert done == (1 if told == {b'"done"'} else 0)
