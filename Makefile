# SPDX-License-Identifier: Apache-2.0
# Every target needs Python 3.10 or newer and nothing else: the virtual environment is made on the first call.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := run
.PHONY: help run check test format lint types docs benchmark mutants requirements env env-test env-docs env-mutants clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 14

run: env  ## benchmark the shipped anomaly-detection model on an emulated STM32F746
	$(BIN)/benchmark-run --task ad --device stm32f746

check: lint types  ## formatting, linting, types and unit tests: under a minute
	$(PYTEST) -m unit

test: lint types  ## formatting, linting, types and all tests
	$(PYTEST)

format: env-test  ## format the Python code in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: env-test  ## formatting and linting
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: env-test  ## static types
	$(BIN)/mypy

docs: env-docs  ## build the documentation site in build/site
	$(BIN)/mkdocs build --strict --site-dir build/site

benchmark: env  ## print tables of what is timed or counted
	$(BIN)/python -m benchmarks.emulation_speed
	$(BIN)/python -m benchmarks.instructions
	$(BIN)/python -m benchmarks.whole_run

mutants: env-mutants  ## change the code that makes figures, see what tests find (MODULES="record/rules.py"; all take hours)
	$(BIN)/python -m benchmarks.mutants $(MODULES)

# test.txt first: the other sets take its versions, so that one environment can hold them all.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --no-build --upgrade --quiet \
	--no-annotate --custom-compile-command "make requirements" --constraint requirements/limits.in
SETS := run docs train search

requirements: env  ## pin the newest versions of all that is installed, with hashes
	$(BIN)/python bootstrap.py --venv $(VENV) --only pins
	$(COMPILE) --extra test pyproject.toml --output-file requirements/test.txt
	$(foreach set,$(SETS),$(COMPILE) $(if $(filter-out run,$(set)),--extra $(set)) \
		--constraint requirements/test.txt pyproject.toml --output-file requirements/$(set).txt &&) true
	$(COMPILE) --constraint requirements/test.txt requirements/build.in --output-file requirements/build.txt
	$(COMPILE) requirements/pins.in --output-file requirements/pins.txt

env: $(VENV)/.made  ## make the virtual environment
env-test: $(VENV)/.made-test  ## add the tools of the tests to it
env-docs: $(VENV)/.made-docs  ## add the tools of the documentation to it
env-mutants: $(VENV)/.made-mutants  ## add the tools of the tests and of mutation testing to it

$(VENV)/.made: pyproject.toml bootstrap.py requirements/build.txt requirements/run.txt
	$(PYTHON) bootstrap.py --venv $(VENV)
	@touch $@

$(VENV)/.made-test: $(VENV)/.made requirements/test.txt
	$(PYTHON) bootstrap.py --venv $(VENV) --extra test
	@touch $@

$(VENV)/.made-docs: $(VENV)/.made requirements/docs.txt
	$(PYTHON) bootstrap.py --venv $(VENV) --extra docs
	@touch $@

$(VENV)/.made-mutants: $(VENV)/.made-test
	$(PYTHON) bootstrap.py --venv $(VENV) --extra mutants
	@touch $@

clean:  ## remove the virtual environment and everything that was built
	rm -rf $(VENV) build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache
