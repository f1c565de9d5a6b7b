"""A fault for the walks to find, as a plugin of pytest: what has expired or was reversed may be cancelled."""


def pytest_runtest_setup(item):
    from bursar.assignments import moves
    from bursar.assignments.services import cancel
    from bursar.assignments.states import State, Verb, starts

    def also_ended(verb):
        return starts(verb) | {State.EXPIRED, State.REVERSED} if verb is Verb.CANCEL else starts(verb)

    moves.starts = cancel.starts = also_ended
