# The door of the project. `make help` lists what it does; ARGS="..." is handed on to the command behind a target.

VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
CODE := $(wildcard src tests bench scripts)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --no-annotate

# Set PYTHON=/path/to/python to choose the interpreter yourself.
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test proofs check bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(RUNTIME) ## print the report of a sample team, write it as HTML, serve its pages until Ctrl-C (ARGS=--once does not serve)
	@$(BIN)/setpoint demo $(ARGS)

test: $(DEV) ## run the tests, two processes at once
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

proofs: $(DEV) ## run the long simulations and load runs that back the documentation's figures
	@$(BIN)/python -m pytest -m proof $(ARGS)

check: $(DEV) ## lint, formatting and types, as continuous integration runs them
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/ruff format --quiet --check $(CODE)
	@$(BIN)/mypy $(CODE)

bench: $(DEV) ## measure the engines against a pandas notebook and a bare scan (5 million messages)
	@$(BIN)/python bench/run.py $(ARGS)

lock: $(DEV) ## write the lock files from pyproject.toml (ARGS=--upgrade takes newer versions)
	@$(COMPILE) $(ARGS) pyproject.toml --group build --output-file requirements.lock
	@$(COMPILE) $(ARGS) pyproject.toml --extra spark --group build --group dev \
		--constraints requirements.lock --output-file requirements-dev.lock

clean: ## remove the environment and every cache; your data stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find $(CODE) -type d -name __pycache__ -prune -exec rm -rf {} +

# The interpreter must be one that the lock files are made for, and able to make an environment.
$(CREATED):
	@found=; for python in $(CANDIDATES); do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue; \
		found="$$python"; \
		"$$python" -c 'import venv, ensurepip' 2>/dev/null || continue; \
		"$$python" -m venv --clear $(VENV) && touch $@ && exit 0; exit 1; \
	done; \
	if [ -n "$$found" ]; then \
		echo "make: $$found cannot make environments; install its venv module (on Debian: apt-get install python3-venv)." >&2; \
	else \
		echo "make: Setpoint needs Python 3.11, 3.12 or 3.13, and found none; install one, or name it: make PYTHON=/path/to/python" >&2; \
	fi; exit 1

$(RUNTIME): requirements.lock pyproject.toml $(CREATED)
	@echo "Installing into $(VENV) (a few minutes the first time)" >&2
	@$(PIP_INSTALL) --requirement requirements.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing what tests and checks need into $(VENV) (about 2 minutes the first time)" >&2
	@$(PIP_INSTALL) --requirement requirements-dev.lock
	@touch $@
