# Every task, one line each: `make help`. Nothing else to remember.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export MAKECMDGOALS
export PYTHON

KESSAI := .venv/bin/kessai
# Tests that need servers share one PostgreSQL; more than two processes only wait for each other on two cores.
JOBS ?= 2

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv and install what the server needs, pinned with hashes; runs once per change.
	@requirements/install runtime

.PHONY: setup-dev
setup-dev: ## The same, with what tests and linters need.
	@requirements/install dev

.PHONY: demo
demo: setup ## Play the nine contracts of the patent's figures in a minute and compare every cell.
	@$(KESSAI) demo

.PHONY: up
up: setup ## Start the whole world here, with sandbox banks and a movable clock; Ctrl-C stops it, data stays.
	@$(KESSAI) up

.PHONY: test
test: setup-dev ## Run all tests, with linters, types, import rules and drift checks among them.
	@.venv/bin/python -m pytest -q -n $(JOBS) --dist worksteal -m "not long"

.PHONY: torture
torture: setup-dev ## Kill workers and servers at every step and at random, for minutes: the long form of tests/torture.
	@.venv/bin/python -m pytest -q -n $(JOBS) --dist worksteal tests/torture

.PHONY: fuzz
fuzz: setup-dev ## Ten thousand odd requests, registrations and replies each, seeded (KESSAI_FUZZ_SEEDS=1,2,3: thirty thousand).
	@KESSAI_FUZZ_COUNT=$${KESSAI_FUZZ_COUNT:-10000} .venv/bin/python -m pytest -q -n $(JOBS) --dist worksteal --durations=0 -o faulthandler_timeout=0 tests/api/odd tests/journeys/hostile
	@.venv/bin/python -m pytest -q -m long tests/zengin

.PHONY: clients
clients: ## Try Relay, Apollo Client, urql, graphql-ws and graphql-sse as they are against the server (needs Node).
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
		$(MAKE) setup-dev && .venv/bin/python -m pytest -q -s tests/clients; \
	else echo "clients: skipped, for Node.js (node and npm) is not on this machine."; fi

.PHONY: bank-check
bank-check: setup-dev ## Run the banks' conformance suite, against BANK=settings.json if given (docs/banks.md).
	@KESSAI_BANK=$(BANK) .venv/bin/python -m pytest -q -rs tests/channels

.PHONY: carrier-check
carrier-check: setup-dev ## Run the carriers' conformance suite, against CARRIER=settings.json if given (docs/carriers.md).
	@KESSAI_CARRIER=$(CARRIER) .venv/bin/python -m pytest -q -rs tests/channels/test_carrier_settings.py \
		tests/channels/test_carrier_channel.py tests/channels/test_bank_channels.py tests/channels/test_sftp.py

.PHONY: bench
bench: setup ## Measure: 100,000 contracts through the whole cycle, beside bare statements.
	@.venv/bin/python -m bench

.PHONY: lint
lint: setup-dev ## Only the quick checks: ruff, types, import rules, and the rules of the house.
	@.venv/bin/python -m pytest -q tests/house

.PHONY: format
format: setup-dev ## Let ruff format the code and mend what it can.
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

.PHONY: schema
schema: setup ## Write schema.graphql, docs/reference.md and docs/api-changes.md from the code.
	@.venv/bin/python -c 'from pathlib import Path; from api.schema import sdl; Path("schema.graphql").write_text(sdl(), encoding="utf-8")'
	@$(KESSAI) schema --reference --write >/dev/null
	@$(KESSAI) schema --changes --write >/dev/null

.PHONY: requirements
requirements: setup-dev ## Pin the newest versions that fit together (needs uv).
	@requirements/pin

.PHONY: clean
clean: ## Remove .venv, caches and everything under var/ (the data of `make up` too).
	@[ ! -x .venv/bin/python ] || .venv/bin/python -m kessai.embedded var/state var/test
	@rm -rf .venv var build dist tests/clients/node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
