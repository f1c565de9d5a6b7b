"""The frame of every command: set up, run, answer as text or JSON, and fail with the right exit code."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, getdoc, signature
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from bursar.cli.later import Later, set_up
from bursar.cli.output import Answer, show

if TYPE_CHECKING:
    from bursar.cli import failures
    from bursar.people import installation
else:
    failures = Later("bursar.cli.failures")
    installation = Later("bursar.people.installation")

F = TypeVar("F", bound=Callable[..., Answer | None])
Json = Annotated[bool, typer.Option("--json", metavar="", help="Answer as JSON, amounts in cents.")]

OURS: Final = (typer.Exit, typer.Abort, typer.BadParameter)


def group(name: str, words: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(name=name, help=words, no_args_is_help=True)


def command(app: typer.Typer, name: str, *, example: str, answers: bool = True, **settings: Any) -> Callable[[F], F]:
    """Make a function a command: its docstring is the help, `example` stands below, `--json` is added if it `answers`."""

    def register(function: F) -> F:
        framed = _framed(function, answers=answers)
        app.command(name, help=_help(function), epilog=f"Example: {example}", **settings)(framed)
        return function

    return register


def _help(function: Callable[..., Any]) -> str:
    """Return the docstring with each paragraph on one line, which the screen then breaks."""
    return "\n\n".join(" ".join(part.split()) for part in (getdoc(function) or "").split("\n\n"))


def _framed(function: Callable[..., Answer | None], *, answers: bool) -> Callable[..., None]:
    """Return `function` as typer calls it: with the context, with `--json`, with every error made an exit code."""

    @wraps(function)
    def run(context: typer.Context, *, as_json: bool = False, **given: Any) -> None:
        try:
            set_up()
            installation.check_clock_offset()
            answer = function(**given)
        except OURS:
            raise
        except Exception as error:
            raise typer.Exit(failures.report(error, as_json=as_json, debug=bool(context.obj))) from error
        if answer is not None:
            show(answer, as_json=as_json)
            raise typer.Exit(answer.code)

    extra = {"context": Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)}
    if answers:
        extra["as_json"] = Parameter("as_json", Parameter.KEYWORD_ONLY, annotation=Json, default=False)
    own = signature(function)
    kept = [value.replace(kind=Parameter.KEYWORD_ONLY) for value in own.parameters.values()]
    vars(run)["__signature__"] = own.replace(parameters=[*kept, *extra.values()], return_annotation=None)
    run.__annotations__ = {name: value.annotation for name, value in extra.items()} | {
        value.name: value.annotation for value in kept
    }
    return run
