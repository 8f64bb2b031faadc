# Two commands matter: `make demo` and `make test`. Both make .venv themselves.
# Needed on the machine: Python 3.11 or newer, make, and pip with a package index.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
DEMO_OUT ?= demo

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo demo-station demo-study test train-extra size benchmark clean

help:
	@echo "make demo         read a real chest CT and write the report to $(DEMO_OUT)/"
	@echo "make demo-study   simulate the published study and report on it, to $(DEMO_OUT)-study/"
	@echo "make demo-station try the reading station: synthetic studies, an account for each role"
	@echo "make test         every check: format, lint, types, layers, tests"
	@echo "make train-extra  install PyTorch, so that \`make test\` runs its tests too"
	@echo "make size         what the core install weighs (before \`make test\`)"
	@echo "make benchmark    whole demo CT: time and memory per stage, on two cores"
	@echo "make clean        remove $(VENV) and what the checks leave behind"

demo: $(VENV)/.core
	$(BIN)/spondyl demo --out $(DEMO_OUT)

demo-study: $(VENV)/.study
	$(BIN)/spondyl study example mniai2025 --out $(DEMO_OUT)-study

test: $(VENV)/.test
	$(BIN)/python scripts/check.py

demo-station: $(VENV)/.station
	$(BIN)/spondyl station demo

train-extra: $(VENV)/.test
	$(PIP) --editable ".[train]"

size: $(VENV)/.core
	$(BIN)/python scripts/installed_size.py

benchmark: $(VENV)/.test
	$(BIN)/python benchmarks/demo_ct.py

# --clear only where the environment is missing or its interpreter is gone: both targets share it
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11; name another with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.study: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[study]"
	@touch $@ $(VENV)/.core

$(VENV)/.station: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[station]"
	@touch $@ $(VENV)/.core

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[test]"
	@touch $@ $(VENV)/.core

clean:
	rm -rf $(VENV) .mypy_cache .mypy_cache_tests .pytest_cache .ruff_cache .hypothesis .import_linter_cache
