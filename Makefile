# make demo    the main job on bundled images, in two minutes: search, training, test, export
# make test    every check: lint, format, types, tests
# make serve   the service and its page at http://127.0.0.1:8123
# make test-slow  tests that take a minute or more
# make bench   every measurement of speed, beside the libraries to compare with (takes a while)
# All set up .venv if it is missing or its pins have changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
READY := $(VENV)/.ready
BENCHES := cost_speed fronts loop_overhead dispatch cancellation throughput roofline conditional_space pruning recipe_parts train_workers verification export_agreement transfer two_drivers families growth scaling_worlds service_load service_large

.PHONY: demo serve test tests test-slow check lint types format bench clean

demo: $(READY)
	$(VENV)/bin/nascale demo

serve: $(READY)
	$(VENV)/bin/nascale serve

# The types are checked beside the tests, with what these leave of the processors.
test: lint
	@$(MAKE) --no-print-directory --jobs 2 types tests

# Files stay whole, and folders that share what is costly to make; they come in the order of tests/conftest.py.
tests: $(READY)
	$(VENV)/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-slow: $(READY)
	$(VENV)/bin/python -m pytest -m slow

check: lint types

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(READY)
	nice $(VENV)/bin/mypy

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(VENV)/.bench
	@for name in $(BENCHES); do echo "== $$name"; $(VENV)/bin/python -m bench.$$name || exit 1; done

$(VENV)/.bench: $(READY)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@

$(READY): constraints.txt pyproject.toml
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable '.[dev,distributed,export,postgresql,serve,tensorboard]'
	@# pip compiles on one processor. What cannot be compiled (templates of packages) is left, as pip leaves it.
	@$(VENV)/bin/python -W ignore -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
