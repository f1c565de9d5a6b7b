"""The client stands alone: a program that has it needs no Django."""

import subprocess
import sys

CODE = """
import sys
from bursar.client import Bursar
Bursar("https://bursar.example.org", "token").close()
ours = {name for name in sys.modules if name.startswith("bursar.") and not name.startswith("bursar.client")}
assert not ours and "django" not in sys.modules, (ours, "django" in sys.modules)
"""


def test_importing_it_brings_nothing_of_the_service_along():
    subprocess.run([sys.executable, "-c", CODE], check=True)
