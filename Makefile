# The two commands of the README are `make demo` and `make test`. Both set themselves up in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SDL    ?=
ONLY   ?=
CRASHES ?=
CONFORMANCE ?=
CLIENTS ?=

ENGINE ?= $(shell command -v podman || command -v docker || echo podman)
# What the bundle, the plugin and the extension were last checked with.
MCPB   := @anthropic-ai/mcpb@2.1.2
CLAUDE := @anthropic-ai/claude-code@2.1.332
GEMINI := @google/gemini-cli@0.61.0

.PHONY: demo test conformance clients thorough mutants crashes ranking check format clean
.PHONY: docs docs-serve manifests packages mcpb container container-check plugin-check

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

# Clients that others wrote, on each way that they connect, into docs/clients.md: most of half an hour.
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

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

$(VENV)/.release: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[release]'
	touch $@

# Programs of node, without a lock file: they check what is released and are no part of it.
.node/.installed:
	mkdir -p .node
	npm install --prefix .node --no-package-lock --no-audit --no-fund $(MCPB) $(CLAUDE) $(GEMINI)
	touch $@

# The documentation site, in site/.
docs: $(VENV)/.docs
	$(BIN)/python scripts/docs_site.py

docs-serve: $(VENV)/.docs
	$(BIN)/python scripts/docs_site.py --serve

# server.json and the other files that registries and hosts read, anew from pyproject.toml, the settings and the tools.
manifests: $(VENV)/.installed
	$(BIN)/python scripts/manifests.py

# Builds dist/ and installs it in every way that the README names.
packages: $(VENV)/.release
	$(BIN)/python scripts/check_packages.py

# The MCP bundle, in dist/, started as a host starts it.
mcpb: $(VENV)/.release .node/.installed
	$(BIN)/python scripts/mcp_bundle.py

# The plugin of Claude Code and the extension of Gemini CLI, by those programs, after `packages`.
plugin-check: $(VENV)/.release .node/.installed
	$(BIN)/python scripts/check_plugins.py

# Needs Podman or Docker; `container-check` needs neither, and checks what can be checked without.
container:
	$(ENGINE) build --file Containerfile --tag akash-mcp:latest \
	    --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) .

container-check: $(VENV)/.installed
	$(BIN)/python scripts/check_containerfile.py

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .node build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
