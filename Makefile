# SPDX-License-Identifier: Apache-2.0
# `make run` and `make test` need Python 3.10 or newer and nothing else: the environment makes itself.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
BIN := $(VENV)/bin

.PHONY: run test lint env env-test benchmark clean

run: env  ## benchmark the shipped anomaly-detection model on an emulated STM32F746
	$(BIN)/benchmark-run --task ad --device stm32f746

test: env-test lint  ## formatting, linting, types, tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: env-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

env: $(VENV)/.made
env-test: $(VENV)/.made-test

$(VENV)/.made: pyproject.toml bootstrap.py
	$(PYTHON) bootstrap.py --venv $(VENV)
	@touch $@

$(VENV)/.made-test: $(VENV)/.made
	$(PYTHON) bootstrap.py --venv $(VENV) --extra test
	@touch $@

benchmark: env  ## what is timed or counted, printed as tables
	$(BIN)/python -m benchmarks.emulation_speed
	$(BIN)/python -m benchmarks.instructions
	$(BIN)/python -m benchmarks.whole_run

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
