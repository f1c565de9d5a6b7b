"""Holds the packages that keep the promises to their share of lines and branches covered, counted together."""

import json
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from coverage import Coverage
from coverage.exceptions import NoDataError

ROOT: Final = Path(__file__).parents[1]


def main() -> int:
    """Print one line per package and return 1 if any is below its share; the lines missed there are named."""
    rule = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["bursar"]["coverage"]
    measured = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    low = [name for name in rule["packages"] if not is_enough(measured, name, rule["fail_under"])]
    for name in low:
        measured.report(include=[pattern(name)], show_missing=True, skip_covered=True)
    return 1 if low else 0


def is_enough(measured: Coverage, name: str, least: float) -> bool:
    """Print what is covered of one package, and tell whether it is enough."""
    found = totals(measured, name)
    lines = share(found["covered_lines"], found["num_statements"])
    branches = share(found["covered_branches"], found["num_branches"])
    together: float = found["percent_covered"]
    verdict = together >= least
    shown = f"lines {lines:5.1f} %   branches {branches:5.1f} %   together {together:5.1f} %"
    print(f"{name:<14} {shown}   {'ok' if verdict else f'below {least} %'}")
    return verdict


def totals(measured: Coverage, name: str) -> dict[str, Any]:
    """Return coverage's own totals of one package; a package of which nothing was run has nothing covered."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        try:
            measured.json_report(outfile=file.name, include=[pattern(name)])
        except NoDataError:
            return {
                "covered_lines": 0,
                "num_statements": 1,
                "covered_branches": 0,
                "num_branches": 1,
                "percent_covered": 0,
            }
        found: dict[str, Any] = json.loads(Path(file.name).read_text())["totals"]
        return found


def share(covered: int, of: int) -> float:
    """Return a percentage; all of nothing is everything."""
    return 100 * covered / of if of else 100.0


def pattern(name: str) -> str:
    """Return which files belong to a package."""
    return f"src/bursar/{name}/*"


if __name__ == "__main__":
    sys.exit(main())
