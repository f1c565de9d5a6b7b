"""Sees to it that Debian's Chromium is there for the browser tests: installs it as root, otherwise says what to type."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

CHROMIUM: Final = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PACKAGES: Final = ("chromium", "fonts-dejavu-core", "fonts-liberation")
INSTALL: Final = ("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)


def main() -> int:
    """Return 0 when Chromium is there now."""
    if CHROMIUM.exists():
        return 0
    if os.geteuid() != 0:
        print(f"There is no {CHROMIUM}. Install it with: sudo {' '.join(INSTALL)}", file=sys.stderr)
        print(
            "or name another Chromium in the variable CHROMIUM; without one the browser tests are skipped.",
            file=sys.stderr,
        )
        return 1
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (("apt-get", "update"), INSTALL):
        if subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL).returncode:
            print(
                f"{' '.join(command)} did not succeed; without Chromium the browser tests are skipped.", file=sys.stderr
            )
            return 1
    return 0 if CHROMIUM.exists() else 1


if __name__ == "__main__":
    sys.exit(main())
