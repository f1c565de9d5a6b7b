"""What a row of the catalogue has shown: printed, kept as a line of JSON, and made into a page by tools/run_faults.py."""

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIZE = os.environ.get("FAULTS", "")  # full, short, or nothing: not asked for
NAME = re.compile(r"test_(?P<control>control_)?(?P<row>[a-f]\d+)_(?P<words>\w+)")


def size(*, full: Any, short: Any) -> Any:
    """Return what the catalogue asks for, or what fits into the short run."""
    return full if SIZE == "full" else short


@dataclass
class Row:
    """One test of a row: its sentence is the name of the test, its figures are what it has shown."""

    name: str
    engine: str
    variant: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def shows(self, **figures: Any) -> None:
        """Keep figures and print them; pytest shows them with -s or -rP."""
        self.figures |= figures
        sys.stdout.write(f"{self.row} {'CONTROL ' if self.is_control else ''}{figures}\n")

    @property
    def row(self) -> str:
        return self._named["row"].upper()

    @property
    def is_control(self) -> bool:
        return bool(self._named["control"])

    @property
    def sentence(self) -> str:
        return self._named["words"].replace("_", " ")

    @property
    def _named(self) -> re.Match[str]:
        named = NAME.match(self.name)
        assert named, f"{self.name} does not name its row"
        return named

    def keep(self, *, passed: bool, seconds: float) -> None:
        """Append the row to the file that the runner has named."""
        path = os.environ.get("FAULTS_FIGURES")
        if not path:
            return
        told = {
            "row": self.row, "control": self.is_control, "sentence": self.sentence, "figures": self.figures,
            "engine": self.engine, "variant": self.variant, "passed": passed, "seconds": round(seconds, 1),
        }  # fmt: skip
        with Path(path).open("a") as file:
            file.write(json.dumps(told) + "\n")
