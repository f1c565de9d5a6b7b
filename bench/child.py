"""A process that measures: `run` starts it with the settings in its environment, and it answers with one line of JSON."""

import json
import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    measure = import_module(f"bench.{sys.argv[1]}").measure  # it imports models, so Django comes first
    print(json.dumps(measure(*map(int, sys.argv[2:]))))
