"""Help: every command and option has words, every command an example that can be parsed."""

import shlex

import pytest
from typer.main import get_command

from bursar.cli.main import ORDER, app, run


def walk(command, path=()):
    """Yield every command with what is typed for it."""
    if not hasattr(command, "commands"):
        yield " ".join(path), command
        return
    for name, inner in command.commands.items():
        yield from walk(inner, (*path, name))


ROOT = get_command(app)
COMMANDS = dict(walk(ROOT))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_words_an_example_and_words_for_every_option(name, capsys):
    command = COMMANDS[name]
    assert command.help.endswith(".")
    assert command.epilog.startswith(f"Example: bursar {name}")
    assert all(parameter.help.endswith(".") for parameter in command.params if parameter.name != "help")
    assert run([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: bursar" in shown
    assert "Example:" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_can_be_parsed(name):
    arguments = shlex.split(COMMANDS[name].epilog.removeprefix("Example: bursar ").removeprefix(name))
    COMMANDS[name].make_context(name, arguments)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"run", "clock", "worker"}])
def test_every_command_that_answers_can_answer_as_json(name):
    assert "--json" in {option for parameter in COMMANDS[name].params for option in parameter.opts}


def test_the_help_of_all_names_every_command_but_the_alias(capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert {name.split()[0] for name in COMMANDS} - {"redeem"} == set(ORDER)
    assert all(f" {name} " in shown for name in ORDER)
    assert "redeem" not in shown
    assert "Exit codes: 0 done" in shown


def test_money_options_say_in_which_unit_they_are():
    for name, option in (
        ("fund create", "deposit"),
        ("budget create", "limit"),
        ("allocate", "price"),
        ("fund deposit", "amount"),
    ):
        (parameter,) = [item for item in COMMANDS[name].params if item.name == option]
        assert "whole currency units" in parameter.help


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["fund", "nonsense"], ["tick", "--nonsense"], ["nudge", "--days", "soon"], ["budget", "show"]],
)
def test_what_is_not_understood_is_wrong_usage(arguments, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: bursar" in err


@pytest.mark.parametrize("arguments", [[], ["fund"], ["catalog"]])
def test_a_group_alone_shows_its_help(arguments, capsys):
    run(arguments)
    out, err = capsys.readouterr()
    assert "Usage: bursar" in out + err


def test_the_version_is_told(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("bursar 0.")


def test_an_argument_that_is_no_text_is_wrong_usage(capsys):
    assert run(["customer", "create", "caf\udce9"]) == 2
    assert "not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("allocate", "--budget", "B", "--content", "C"),
        ("allocate", "people.csv", "--budget", "B", "--content", "C", "--email", "ada@acme.example"),
        ("catalog", "create", "T", "--keys", "K", "--partner", "P"),
        ("catalog", "create", "T", "--keys", " , "),
        ("fund", "set-end", "F"),
        ("fund", "set-end", "F", "2027-01-01", "--never"),
        ("user", "create", "ada@acme.example", "--password", "x", "--ask-password"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(db, arguments, capsys):
    assert run(arguments) == 2
    assert capsys.readouterr().out == ""
