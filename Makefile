PYTHON ?= python3
BIN := .venv/bin

.PHONY: test lint clean

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

test: .venv/ready  ## everything, in a virtual environment of its own
	$(BIN)/pytest -n 2

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv driftgate-out .pytest_cache .mypy_cache .ruff_cache
