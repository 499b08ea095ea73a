# The two commands of the README are `make demo` and `make test`; both work on a bare Debian or Ubuntu with Python >= 3.11.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# More processes than processors: tests wait for containers and servers, too. 0 runs all in one.
WORKERS ?= $(shell expr $$(nproc) + 1)
STAMP := $(VENV)/.installed
SPHINX := $(BIN)/sphinx-build -q -b html -d docs/_build/doctrees

.DEFAULT_GOAL := help
.PHONY: help demo test unit check format docs engine sandbox clean

help:  ## What can be made.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

demo: $(STAMP) sandbox  ## Fix a real bug of a real project, here and now, with the embedded model.
	$(BIN)/python benchmarks/demo/run.py

test: $(STAMP) engine  ## All tests: with a real engine, a real model, real git.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS)

unit: $(STAMP)  ## The tests that need neither engine nor model nor network.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) -m "not docker and not bubblewrap and not model and not network"

check: $(STAMP)  ## Format, lint, types, floors, documentation.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=tools:prompts $(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check
	$(SPHINX) -W --keep-going docs docs/_build/html

format: $(STAMP)  ## Put everything into its form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)  ## Write the generated pages, and build the documentation into docs/_build/html.
	$(BIN)/python -m docs.generate
	$(SPHINX) docs docs/_build/html
	@echo docs/_build/html/index.html

engine:  ## A Docker engine that answers; installed and started where there is none (root, Debian or Ubuntu).
	sh .ci/engine

sandbox: $(STAMP)
	sh .ci/sandbox

$(STAMP): pyproject.toml
	sh .ci/environment "$(PYTHON)" "$(VENV)"
	@touch $@

clean:  ## Remove what was made here.
	rm -rf $(VENV) .demo docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
