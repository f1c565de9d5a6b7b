# Every job of this checkout by name. Needs Python 3.11 or newer, pip and make; writes inside this directory only.

.DEFAULT_GOAL := help
PY := .venv/bin/python
unexport PYTHONDONTWRITEBYTECODE  # some images set it; hundreds of processes would each compile everything again

.PHONY: help
help:  ## name the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## prepare .venv with the bursar command in it
	@tools/setup.sh

.PHONY: run
run: export BURSAR_MODE ?= demo
run: setup  ## load the demonstration and serve it on SQLite (or DATABASE_URL) until Ctrl-C
	@.venv/bin/bursar migrate
	@.venv/bin/bursar demo
	@exec .venv/bin/bursar run

.PHONY: test
test: setup  ## run the tests on SQLite and on a real PostgreSQL (ARGS="-k fund" picks some)
	@$(PY) tools/browser.py || echo "The browser tests are skipped."
	@$(PY) tools/run_tests.py $(ARGS)

.PHONY: test-mariadb
test-mariadb: setup  ## run the database tests on MariaDB (from Debian's packages; needs apt-get and dpkg)
	@$(PY) tools/mariadb.py -- $(PY) -m pytest -q -n 2 tests/db $(ARGS)

.PHONY: lint
lint: setup  ## find faults in the code without running it
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

.PHONY: format
format: setup  ## lay the code out and mend what can be mended by itself
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

.PHONY: types
types: export BURSAR_DATA_DIR = .mypy_cache/data
types: setup  ## check the types
	@.venv/bin/mypy

.PHONY: imports
imports: setup  ## check who imports whom
	@.venv/bin/lint-imports --no-logo

.PHONY: docs
docs: setup  ## write docs/reference anew from the code
	@$(PY) tools/reference_docs.py

.PHONY: docs-check
docs-check: setup  ## tell whether docs/reference is in step with the code
	@$(PY) tools/reference_docs.py --check

.PHONY: translations
translations: setup  ## bring the catalogs of German and Spanish in step with the sources and compile them
	@$(PY) tools/translations.py

.PHONY: translations-check
translations-check: setup  ## tell what is not translated, or not in step
	@$(PY) tools/translations.py --check

.PHONY: setup-browser
setup-browser: setup  ## install Debian's Chromium for the browser tests (as root; otherwise say what to type)
	@$(PY) tools/browser.py

.PHONY: test-browser
test-browser: setup-browser  ## run the browser tests alone, on SQLite (ARGS="-k admin" picks some)
	@$(PY) -m pytest -q -n 2 tests/browser $(ARGS)

.PHONY: screenshots
screenshots: export SCREENSHOTS = yes
screenshots: setup-browser  ## make docs/images anew from the running product
	@$(PY) -m pytest -q -n 0 -p no:randomly -m screenshots tests/browser $(ARGS)

.PHONY: check
check: lint types imports docs-check translations-check test fuzz-short seeded-faults faults-short  ## everything that must hold before a change is taken

.PHONY: seeded-faults
seeded-faults: setup  ## break each guard on purpose and see its test fail
	@$(PY) tools/seeded_faults.py $(ARGS)

.PHONY: fuzz
fuzz: setup  ## ask both APIs whatever their descriptions allow, and what they do not (half an hour; ARGS=--short: two minutes)
	@$(PY) tools/fuzz.py $(ARGS)

.PHONY: fuzz-short
fuzz-short: setup  ## the two-minute part of it
	@$(PY) tools/fuzz.py --short

.PHONY: faults
faults: setup  ## kill, stop and cut off everything, and count (an hour; ARGS=--short: three minutes, ARGS="-k C1": a row)
	@$(PY) tools/run_faults.py $(ARGS)

.PHONY: faults-short
faults-short: setup  ## the three-minute part of it
	@$(PY) tools/run_faults.py --short

.PHONY: bench
bench: setup  ## measure every figure that we claim
	@$(PY) -m bench $(ARGS)

.PHONY: clean
clean:  ## remove what was made here, but not var/, where the data is
	rm -rf .venv .venv-tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov dist
	rm -f .coverage .coverage.*
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
