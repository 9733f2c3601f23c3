# The two commands of the README are `make demo` and `make test`. Both set themselves up in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SDL    ?=
ONLY   ?=
CRASHES ?=
CONFORMANCE ?=
CLIENTS ?=

.PHONY: demo test conformance clients thorough mutants crashes ranking check format clean

# Installed again only when what is installed could have changed.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed
	$(BIN)/akash-mcp demo $(SDL)

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n auto

# The official conformance suite and Inspector, which npm installs into .node: most of a minute the first time, then half.
# `make conformance CONFORMANCE=--or-skip` succeeds where npm cannot get them.
conformance: $(VENV)/.installed
	$(BIN)/python tests/conformance/check_conformance.py $(CONFORMANCE)

# Fourteen clients that others wrote, on each way that they connect, into docs/clients.md: most of half an hour.
# `make clients CLIENTS="--only fastmcp"` takes some and only prints; `--help` knows more.
clients: $(VENV)/.installed
	$(BIN)/python scripts/clients/clients_table.py $(CLIENTS)

# What hypothesis tries, with 2000 examples a test in place of the suite's 50: for a nightly run.
thorough: $(VENV)/.installed
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -n auto -m hypothesis --timeout 1800

# Most of an hour, so not a part of `test`. `make mutants ONLY=ledger` takes only modules whose path has that in it.
mutants: $(VENV)/.installed
	$(BIN)/python scripts/mutants.py $(ONLY)

# Some 5,000 crashes, hours. `make crashes CRASHES="--every 20"` takes one in twenty, ten minutes; `--help` knows more.
crashes: $(VENV)/.installed
	$(BIN)/python tests/crashes $(CRASHES)

# The ranking in 3,000 made-up markets and its sweep, several minutes: docs/ranking.md, section 8.
ranking: $(VENV)/.installed
	$(BIN)/python benchmarks/ranking/benchmark.py

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .node build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
