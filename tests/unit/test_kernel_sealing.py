"""Secrets that must be readable again: by this purpose and this key, or one that it replaces."""

import pytest

from bursar.kernel.errors import Unavailable
from bursar.kernel.sealing import seal, unseal


def test_what_is_sealed_opens_again_and_is_not_seen():
    sealed = seal("hunter2", "a purpose")
    assert "hunter2" not in sealed
    assert unseal(sealed, "a purpose") == "hunter2"


def test_another_purpose_or_key_does_not_open_it(settings):
    sealed = seal("hunter2", "a purpose")
    for refused in (
        lambda: unseal(sealed, "another"),
        lambda: unseal("nonsense", "a purpose"),
        lambda: unseal("é", "a purpose"),
    ):
        with pytest.raises(Unavailable) as lost:
            refused()
        assert lost.value.code == "secret_lost"
    settings.SECRET_KEY = "another key altogether, of some length"
    with pytest.raises(Unavailable):
        unseal(sealed, "a purpose")


def test_a_key_that_was_replaced_still_opens_what_it_sealed(settings):
    sealed = seal("hunter2", "a purpose")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key altogether, of some length"
    assert unseal(sealed, "a purpose") == "hunter2"
