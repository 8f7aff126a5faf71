# What a developer does, each with one word; on a fresh machine each does its own set-up first.
# `make help` lists them. Environments stand beside this file (.venv) and are only made anew
# when the files that they are made from change.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
SECONDS_OF_DEMO ?= 30
PYTHONS := 3.10 3.12 3.13

# ---------------------------------------------------------------- what to do

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/.ready-demo ## the whole way on a drawn scene: camera, digits, broker, subscriber
	@$(BIN)/edge demo --seconds $(SECONDS_OF_DEMO)

.PHONY: test
test: lint system ## lint, types and the fast tests: five minutes, on the first run seven
	@tools/rows $(BIN)/python -m "not slow"

.PHONY: test-all
test-all: lint system ## the same and the slow tests
	@$(BIN)/python -m pytest

.PHONY: pythons
pythons: system $(addprefix .python-,$(PYTHONS)) .python-oldest ## the fast tests with other Pythons, and with the oldest libraries

.PHONY: test-deb
test-deb: $(VENV)/.ready-dev system ## the package in fresh systems, Debian 12 and 13, as root: two minutes, the first time five
	@tools/deb/trial bookworm amd64
	@tools/deb/trial trixie amd64

.PHONY: test-arm64
test-arm64: $(VENV)/.ready-dev system ## models and recognizer on an emulated Raspberry Pi, as root: three minutes, the first time eight
	@tools/arm64/test

.PHONY: lint
lint: $(VENV)/.ready-dev ## ruff and mypy, strict
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary

.PHONY: format
format: $(VENV)/.ready-dev ## let ruff write the source as `make lint` wants it
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format

.PHONY: generated
generated: $(VENV)/.ready-dev ## write what is made from the code: the sample configuration, its schema, docs/schemas
	@$(BIN)/python -m tools.generate

.PHONY: wheel
wheel: $(VENV)/.ready-build ## dist/edge-*.whl
	@$(BIN)/python -m hatchling build --target wheel

# As root: sudo make install. DESTDIR= and PREFIX= as everywhere; a wheel built before: WHEEL=.
.PHONY: install
install: ## edge as a service of this machine: /opt/edge, units, user, settings that are kept
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' WHEEL='$(WHEEL)' PYTHON='$(PYTHON)' tools/install/install

.PHONY: uninstall
uninstall: ## take all of that away again, but not the settings; STATE=keep keeps what was not delivered
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' STATE='$(STATE)' tools/install/uninstall

.PHONY: deb
deb: ## dist/edge_*_all.deb, for Raspberry Pi OS, Debian, Ubuntu and JetPack
	@tools/deb/build

.PHONY: wheels
wheels: $(VENV)/.ready-build ## its packages in a folder, for a device without network: FOR=aarch64 PYTHON_FOR=3.11
	@PYTHON=$(BIN)/python FOR='$(FOR)' PYTHON_FOR='$(PYTHON_FOR)' tools/install/wheels

.PHONY: training
training: .venv-train/.ready-train ## the environment of tools/train_*, in .venv-train

.PHONY: clean
clean: ## remove what was built, but not the environments
	@rm -rf build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis

# ---------------------------------------------------------------- what it needs

# A profile is ready when its requirements and the package itself are installed.
$(VENV)/.ready-%: tools/requirements/%.txt tools/requirements/build.txt pyproject.toml
	@tools/environment install $(VENV) $*

# Left out, with a word, where there is no such Python. The oldest libraries that pyproject.toml
# allows lie over the newest tools to test with; the quantizer among these wants its own runtime.
# Whole processes run with Python 3.11 (`make test`) and with the oldest of all, not with each.
.python-oldest: VERSION = 3.10
.python-oldest: PROFILES = dev oldest
.python-oldest: WITHOUT = tests/tools
.python-%: VERSION = $*
.python-%: PROFILES = dev
.python-%: WITHOUT = tests/whole
.python-%:
	@if python=$$(tools/environment python $(VERSION)); then \
	  PYTHON=$$python tools/environment install .venv-$* $(PROFILES); \
	  echo "edge: the tests with Python $(VERSION) and the libraries of: $(PROFILES)"; \
	  .venv-$*/bin/python -m pytest -m "not slow" --hypothesis-profile again --ignore $(WITHOUT); \
	else echo "edge: no Python $(VERSION) here, not tested with it"; fi

.venv-train/.ready-train: tools/requirements/train.txt tools/requirements/build.txt pyproject.toml
	@tools/environment install .venv-train train

.PHONY: system
system:
	@tools/environment system

# For every Python from 3.10, every machine, with hashes, and without the address of any index.
# PyTorch is left out: which build of it fits (CPU, CUDA, Jetson's own) is the machine's choice.
requirements: COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 \
  --no-python-downloads --generate-hashes --no-emit-index-url --no-emit-package torch \
  --custom-compile-command 'make requirements'
.PHONY: requirements
requirements: $(VENV)/.ready-build ## compile tools/requirements/ from pyproject.toml anew, with the newest versions
	@$(COMPILE) --group pyproject.toml:build -o tools/requirements/build.txt > /dev/null
	@$(COMPILE) pyproject.toml --extra demo --extra tools --extra dev -o tools/requirements/dev.txt > /dev/null
	@$(COMPILE) pyproject.toml -c tools/requirements/dev.txt -o tools/requirements/device.txt > /dev/null
	@$(COMPILE) pyproject.toml -c tools/requirements/dev.txt --extra demo -o tools/requirements/demo.txt > /dev/null
	@$(COMPILE) pyproject.toml -c tools/requirements/dev.txt --extra tools -o tools/requirements/tools.txt > /dev/null
	@$(COMPILE) pyproject.toml --extra demo --resolution lowest-direct -o tools/requirements/oldest.txt > /dev/null
	@$(COMPILE) pyproject.toml --extra tools --extra train -o tools/requirements/train.txt > /dev/null
