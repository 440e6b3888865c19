# Two commands do all the set-up: `make run` opens the window, `make test` runs what CI runs.
# On Windows, or without make, see "Without make" in README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROJECT ?=

.PHONY: run test check format screenshots clean

run: $(VENV)/.installed
	$(if $(PROJECT),,@test -d sample-project || $(BIN)/mrcnn-gui sample sample-project)
	$(BIN)/mrcnn-gui "$(or $(PROJECT),sample-project)"

test: check
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screenshots: $(VENV)/.installed
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m scripts.screenshots docs/images
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m scripts.tool_pictures docs/images/tools
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m scripts.tutorial_pictures docs/tutorial.md

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
