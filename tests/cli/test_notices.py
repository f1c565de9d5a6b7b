"""`bursar notices`: what was told, how often digests go out, and what one would say."""

import pytest

from bursar.kernel import clock


def test_how_often_is_shown_and_set(world, bursar):
    assert bursar("notices", "show", "acme-ltd", "--json").json["admin_digest"] == "weekly"
    done = bursar("notices", "set", "acme-ltd", "--admin-digest", "off", "--manager-digest", "daily", "--json").json
    assert (done["admin_digest"], done["admin_due_at"], done["manager_digest"]) == ("off", None, "daily")
    assert done["recipients"] == ["learning@acme.example"]
    assert "daily, next on" in bursar("notices", "show", "acme-ltd").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set", "acme-ltd"), 2),
        (("set", "acme-ltd", "--admin-digest", "hourly"), 2),
        (("set", "nobody", "--admin-digest", "off"), 4),
        (("show", "nobody"), 4),
        (("list", "--customer", "nobody"), 4),
        (("preview", "nobody"), 4),
        (("preview", "acme-ltd", "--manager", "no address"), 4),
    ],
)
def test_what_cannot_be_meant_is_refused(world, bursar, arguments, code):
    bursar("notices", *arguments, code=code)


def test_a_digest_is_shown_and_nothing_is_sent(allocated, bursar):
    shown = bursar("notices", "preview", "acme-ltd")
    assert "3 assignments wait to be accepted" in shown.out
    assert "Ada" in shown.out
    assert bursar("notices", "preview", "acme-ltd", "--json").json["subject"].startswith("Acme Ltd: 3 assignments")
    assert bursar("notices", "list", "--json").json == {"notices": []}


def test_without_news_there_is_nothing_to_show(world, bursar):
    assert "nothing to say" in bursar("notices", "preview", "acme-ltd").out
    assert "nothing to say" in bursar("notices", "preview", "acme-ltd", "--manager", "boss@acme.example").out
    assert "Nothing was told yet." in bursar("notices", "list").out


def test_what_was_told_is_listed_with_what_became_of_it(allocated, bursar):
    bursar("budget", "set-limit", "Team", "147")
    done = bursar("tick", "--json").json
    assert done["warned"] == 1
    (told,) = bursar("notices", "list", "--customer", "acme-ltd", "--json").json["notices"]
    assert (told["kind"], told["slot"]) == ("budget_used", "100:14700")
    assert told["facts"]["percent"] == 100
    assert [item["state"] for item in told["messages"]] == ["sent"]
    text = bursar("notices", "list").out
    assert "Team" in text
    assert f"sent on {clock.now():%Y-%m-%d}" in text
