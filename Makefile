# `make run` and `make test` are all that a newcomer needs: both install first what they need, into .venv.

# Where another user (root, say) has left a .venv, we make our own beside it.
VENV_OF_USER := $(shell if [ ! -e .venv ] || [ -O .venv ]; then echo .venv; else echo .venv-$$(id -u); fi)
VENV ?= $(VENV_OF_USER)
BENCH_VENV ?= .venv-bench
AUDIT_VENV ?= .venv-audit
DOCS_VENV ?= .venv-docs
MUTANTS_VENV ?= .venv-mutants
UV ?= uv
export PYTHON

# An environment that keeps Python from remembering what it compiled has each of many processes compile it again.
unexport PYTHONDONTWRITEBYTECODE

# What the tools remember is kept there too: what another user's tools remember would stop ours.
CACHE = $(VENV)/cache
export MYPY_CACHE_DIR = $(CACHE)/mypy
export RUFF_CACHE_DIR = $(CACHE)/ruff
export HYPOTHESIS_STORAGE_DIRECTORY = $(CACHE)/hypothesis
PYTEST = $(VENV)/bin/python -m pytest -o cache_dir=$(CACHE)/pytest

UV_COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(LOCK_ARGS) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install run test test-quick soak check lint types imports examples format docs bench audit mutants lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  VENV=folder and PYTHON=/path/to/python choose another environment, another Python."

install: ## Install everything, locked, into .venv (nothing to do when nothing changed)
	@tools/install $(VENV) requirements-run.lock requirements-dev.lock

run: ## Run the service with all that it needs on this machine (ARGS="--port 9000")
	@tools/install $(VENV) requirements-run.lock
	@$(VENV)/bin/showtime dev $(ARGS)

test: install ## Run the tests (ARGS="-k ghost"), in an order by chance
	@$(PYTEST) --numprocesses auto --dist worksteal $(ARGS)

test-quick: install ## Run what needs no process of its own: units, contracts and machines in memory
	@$(PYTEST) --numprocesses logical --dist worksteal -m "not process" tests/unit $(ARGS)

soak: install ## Run the long proofs: the whole storm, 500 faults, and twenty times as many examples of everything
	@$(PYTEST) --numprocesses auto --dist worksteal --hypothesis-profile soak tests/soak tests/unit $(ARGS)

check: lint types imports examples ## Lint, formatting, types, import contracts, examples and links of the docs

lint: install
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

types: install
	$(VENV)/bin/mypy

imports: install
	$(VENV)/bin/lint-imports --no-logo --cache-dir $(CACHE)/import-linter

examples: install
	$(PYTEST) --quiet tests/unit/test_docs_examples.py tests/unit/test_docs_links.py \
		tests/unit/test_public_modules.py tests/unit/test_pictures.py

format: install ## Repair what can be repaired of lint and formatting
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

docs: ## Build the docs as a site, into build/site (open build/site/index.html)
	@tools/install $(DOCS_VENV) tools/docs.lock
	@$(DOCS_VENV)/bin/python tools/site/build.py $(ARGS)

bench: ## Run the benchmarks, with peers in an environment of their own
	@tools/install $(BENCH_VENV) bench/requirements.lock
	@$(BENCH_VENV)/bin/python bench/run $(ARGS)

# mutmut copies the code into mutants/, and keeps there what it has found: interrupted, it goes on.
mutants: ## Change the code in thousands of places, and see which change no unit test finds (ARGS="*retries*"); takes a quarter of an hour
	@tools/install $(MUTANTS_VENV) requirements-dev.lock tools/mutants.lock
	@$(MUTANTS_VENV)/bin/mutmut run $(ARGS)
	@$(MUTANTS_VENV)/bin/mutmut results
	@$(MUTANTS_VENV)/bin/mutmut export-cicd-stats
	@$(MUTANTS_VENV)/bin/python tools/mutants_found.py

# Strict, for what the vulnerability service does not know must not pass for safe.
audit: ## Ask whether anything locked is known to be vulnerable (needs the network; not a part of check)
	@tools/install $(AUDIT_VENV) tools/audit.lock
	@for lock in requirements.lock requirements-run.lock requirements-dev.lock bench/requirements.lock tools/audit.lock tools/docs.lock tools/mutants.lock; do \
		echo "== $$lock"; \
		$(AUDIT_VENV)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
			--requirement $$lock $(ARGS) || status=1; \
	done; exit $${status:-0}

lock: ## Renew the lock files from pyproject.toml (needs uv; LOCK_ARGS=--upgrade)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv, or make lock UV=/path/to/uv" >&2; exit 1; }
	$(UV_COMPILE) --extra server --output-file requirements.lock
	$(UV_COMPILE) --all-extras --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(UV_COMPILE) --extra dev --group run --constraint requirements-dev.lock --output-file requirements-run.lock
	$(UV_COMPILE) bench/requirements.in --extra dev --constraint requirements-dev.lock \
		--output-file bench/requirements.lock
	$(UV_COMPILE) tools/audit.in --constraint requirements-dev.lock --output-file tools/audit.lock
	$(UV_COMPILE) tools/docs.in --extra testing --constraint requirements-dev.lock --output-file tools/docs.lock
	$(UV_COMPILE) tools/mutants.in --constraint requirements-dev.lock --output-file tools/mutants.lock

clean: ## Remove the environments and what the tools left behind
	rm -rf $(VENV) $(BENCH_VENV) $(AUDIT_VENV) $(DOCS_VENV) $(MUTANTS_VENV) mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		build/pages build/doctrees build/site
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
