# Every target works on a fresh machine with Python 3.11 or newer; those that need Kafka find or start a broker themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
COMPILED ?= .venv-compiled
RENDERER := grafana/renderer/node_modules/.package-lock.json
ARGS ?=

# What goes into the wheel: a change in any of these installs it anew.
SOURCES := pyproject.toml README.md LICENSE $(shell find src streams -type f -not -path '*/__pycache__/*' -not -name '.*')

.PHONY: help venv dev compiled test test-compiled test-ui lint demo parity bench bench-gateway alert-study rules chain-full chaos smoke panels pictures pictures-board types clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

venv: $(VENV)/.stamp ## the virtual environment, with supportpulse installed

$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "supportpulse needs Python 3.11 or newer, found %d.%d: make PYTHON=python3.x" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "this Python has no venv module: install it (Debian: python3-venv)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.stamp: $(VENV)/.locked $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall .
	@touch $@

dev: $(VENV)/.locked ## install in place instead: changes count at once
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall -e .
	@touch $(VENV)/.stamp

compiled: $(COMPILED)/.stamp ## a second environment with the core compiled by mypyc; needs a C compiler

$(COMPILED)/.stamp: requirements.lock $(SOURCES)
	@command -v $${CC:-cc} >/dev/null || { echo "no C compiler: install one (Debian: gcc, libc6-dev), or use make venv" >&2; exit 1; }
	$(MAKE) --no-print-directory VENV=$(COMPILED) $(COMPILED)/.locked
	@# from a copy: the build leaves its objects beside the sources, where an editable install would find them
	rm -rf $(COMPILED)/source && mkdir $(COMPILED)/source && cp -R pyproject.toml README.md LICENSE src streams $(COMPILED)/source
	HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(COMPILED)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall $(COMPILED)/source
	@touch $@

test: venv ## the tests, against the installed package and a real broker (ARGS= for pytest)
	$(BIN)/pytest -m "not slow and not ui" $(ARGS)

test-ui: venv $(VENV)/.ui ## the page of `supportpulse board` in a real browser; needs chromium ($$CHROMIUM or on the path)
	$(BIN)/pytest -m ui tests/ui $(ARGS)

$(VENV)/.ui: requirements-ui.lock $(VENV)/.locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-ui.lock
	@touch $@

test-compiled: compiled ## properties and unit tests against the compiled core
	$(COMPILED)/bin/pytest -m "not slow and not kafka" tests/properties tests/unit $(ARGS)

pictures-board: venv $(VENV)/.ui ## grafana/pictures/board*.png, from a demo; needs chromium
	$(BIN)/python tests/board_pictures.py grafana/pictures $(ARGS)

panels: venv ## every panel of the dashboards asked on a real Prometheus that scraped the demo (5 min)
	$(BIN)/python grafana/live.py panels $(ARGS)

pictures: venv $(RENDERER) ## grafana/pictures drawn by Grafana's published components; needs node, npm and chromium
	$(BIN)/python grafana/live.py panels pictures --minutes 12 $(ARGS)

types: $(RENDERER) ## the dashboards against Grafana's own TypeScript types; needs node and npm
	cd grafana/renderer && npm run --silent types

$(RENDERER): grafana/renderer/package-lock.json
	@command -v npm >/dev/null || { echo "npm is not there: install node 20 or newer with npm (Debian: nodejs npm)" >&2; exit 1; }
	cd grafana/renderer && NODE_OPTIONS=--max-old-space-size=4096 npm ci

lint: venv ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/mypy

demo: venv ## the main job, live; SECONDS=60 ends it by itself
	$(BIN)/supportpulse demo $(if $(SECONDS),--seconds $(SECONDS))

parity: venv ## a real helpdesk's log through Kafka, against its own verdicts
	$(BIN)/python benchmarks/parity.py $(ARGS)

bench: ## speed, restore and memory against stock Faust; the core compiled on both sides if there is a C compiler
	@if command -v $${CC:-cc} >/dev/null; then $(MAKE) --no-print-directory compiled && exec $(COMPILED)/bin/python benchmarks/bench.py $(ARGS); \
	else echo "no C compiler: measuring the interpreted build" >&2; $(MAKE) --no-print-directory venv && exec $(BIN)/python benchmarks/bench.py $(ARGS); fi

bench-gateway: venv ## webhooks a second through the gateway, Kafka's acknowledgement awaited, beside a bare FastAPI route
	$(BIN)/python benchmarks/gateway.py $(ARGS)

alert-study: venv ## what the alerts cost and catch on simulated desks, beside plain rules; needs prometheus and promtool
	$(BIN)/python benchmarks/alert_study.py $(ARGS)

rules: venv ## write the alert rules anew, for Prometheus and for Grafana
	$(BIN)/supportpulse rules prometheus -o grafana/prometheus/rules.yml
	$(BIN)/supportpulse rules grafana -o grafana/provisioning/alerting/rules.yml

chain-full: venv ## two hours: a desk's outage through Kafka, a worker and Prometheus, in real time
	$(BIN)/pytest -q tests/integration/chain_full.py $(ARGS)

chaos: venv ## the slow suites: crashes, rebalances, broker faults
	$(BIN)/pytest -m slow $(ARGS)

smoke: ## the compose file, brought up, asked for all it must have and taken down again; needs Docker
	grafana/smoke.sh

clean: ## remove what these targets made, but for the download cache
	rm -rf $(VENV) $(COMPILED) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info grafana/renderer/node_modules grafana/renderer/dist
