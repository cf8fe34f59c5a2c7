# make serve   the site on http://127.0.0.1:5000, from nothing but python3 and make
# make test    the checks one waits for
# make test-all   the slow ones too: what the gate runs
# make soak    long proofs, under load and kills: once per change of what they prove
# make setup   the environment with every extra, nothing run
# make fuzz    our own parsers against random input, SECONDS=60 for each
# make audit   the rider's pages under Lighthouse, their bytes and times, into docs/audit.md
# make update  newer packages into both locks, within the ranges of pyproject.toml
# make test-newest, make test-lowest (Python 3.11)   every test with the newest and the oldest of them
# make bench   the slow comparisons; benchmarks/ says against what (bench-large: a quarter hour)

PYTHON ?= python3
PORT ?= 5000
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements.lock requirements-serve.lock
UV := .venv-uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make update" \
  pyproject.toml --group build
ALL := .[dev,geodata,hotzones]

# Tests start hundreds of processes: what Python compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve test test-all soak check test-newest test-lowest setup update bench bench-large bench-planner audit fuzz format clean

serve: $(VENV)/.installed
	$(BIN)/locator init
	$(BIN)/locator serve --port $(PORT)

test: check
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow and not soak"

test-all: export LOCATOR_TEST_THOROUGH = 1
test-all: check
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not soak"

soak: setup
	$(BIN)/python -m pytest -q -m soak
	KILLS=200 $(BIN)/python -m pytest -q tests/test_store_kill.py

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

setup: $(VENV)/.extras

bench: setup
	$(BIN)/python benchmarks/run.py

bench-planner: setup
	$(BIN)/python benchmarks/planner.py

bench-large: setup
	$(BIN)/python benchmarks/run.py --large

audit: setup
	$(BIN)/python benchmarks/audit.py

fuzz: setup
	$(BIN)/python -m pip install --quiet --no-build-isolation -e '.[fuzz]'
	$(BIN)/python tests/fuzz/harness.py all -max_total_time=$(SECONDS)

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-* dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz

# Two steps, because pip takes no checkout where every package has a hash.
$(VENV)/.installed: requirements-serve.lock pyproject.toml
	@echo "Once: what the site needs goes into $(VENV), 170 MB to fetch, 0.75 GB on the disk; one to five minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-serve.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.extras: $(VENV)/.installed requirements.lock
	@echo "Once: what the tests need goes into $(VENV) too, 1.6 GB on the disk; one to five minutes."
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

update: $(UV)
	$(COMPILE) --upgrade --extra dev --extra geodata --extra hotzones -o requirements.lock
	$(COMPILE) --upgrade --constraint requirements.lock -o requirements-serve.lock

$(UV):
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet uv

test-newest: $(UV)
	$(PYTHON) -m venv --clear .venv-newest
	$(UV) pip install --quiet --python .venv-newest --upgrade -e '$(ALL)' --group build
	.venv-newest/bin/python -m pytest -q -n auto -m "not soak"

# Old packages warn of what newer ones below them have deprecated; that is no fault of ours.
test-lowest: $(UV)
	$(PYTHON) -m venv --clear .venv-lowest
	$(UV) pip install --quiet --python .venv-lowest --resolution lowest-direct -e '$(ALL)' --group build
	.venv-lowest/bin/python -m pytest -q -n auto -m "not soak" -W default::DeprecationWarning
