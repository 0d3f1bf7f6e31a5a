# Two commands for users (demo, test) and one for contributors (check). All work in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(abspath $(VENV))/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := pyproject.toml README.md $(shell find everest_kernel kernelspec -type f -not -name '*.pyc')
EXAMPLE ?= examples/lyapunov_grid.ipynb
SYSTEM ?=
ARGS   ?=

.PHONY: help demo test test-wine check system-packages clean

help:
	@echo "make demo           run the example notebook on the embedded hub; leaves it and a picture in demo-output/"
	@echo "make test           run all tests; SYSTEM=1 installs the Debian packages first; ARGS='-k name' selects"
	@echo "make test-wine      tests that run Windows programs, under Debian's wine, which it installs (900 MB)"
	@echo "make check          formatter, linter, types, import rules"

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

# Installed as a wheel, not editable: only a wheel brings the kernelspec.
$(VENV)/.examples: $(VENV)/bin/python $(SOURCES)
	@began=$$(date +%s); $(PIP) '.[examples]' && touch $@ && echo "installed in $$(( $$(date +%s) - began )) s"

$(VENV)/.tests: $(VENV)/bin/python $(SOURCES)
	@began=$$(date +%s); $(PIP) '.[test,check]' && touch $@ && echo "installed in $$(( $$(date +%s) - began )) s"

demo: $(VENV)/.examples
	@test -f $(VENV)/share/jupyter/kernels/everest/kernel.json || $(BIN)/everest-kernel install --sys-prefix
	@$(BIN)/everest-kernel demo $(EXAMPLE) --output demo-output

system-packages:
	@apt-get update -qq
	@DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$(cat tests/system/packages.txt) >/dev/null

test: $(VENV)/.tests $(if $(SYSTEM),system-packages)
	@EVEREST_TEST_SYSTEM=$(SYSTEM) $(BIN)/python -m pytest $(ARGS)

test-wine: $(VENV)/.tests
	@command -v wine >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wine wine64 >/dev/null; }
	@EVEREST_TEST_WINE=1 $(BIN)/python -m pytest -m wine tests/languages $(ARGS)

check: $(VENV)/.tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_import_rules.py

clean:
	rm -rf $(VENV) demo-output build dist
