# make serve   the site on http://127.0.0.1:5000, from nothing but python3 and make
# make test    every check
# make setup   the environment with every extra, nothing run
# make fuzz    our own parsers against random input, SECONDS=60 for each
# make audit   the rider's pages under Lighthouse, their bytes and times, into docs/audit.md
# make bench   the slow comparisons; benchmarks/ says against what (bench-large: a quarter hour)

PYTHON ?= python3
PORT ?= 5000
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test setup bench bench-large bench-planner audit fuzz format clean

serve: $(VENV)/.installed
	$(BIN)/locator init
	$(BIN)/locator serve --port $(PORT)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto

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
	$(BIN)/python -m pip install --quiet -e '.[fuzz]'
	$(BIN)/python tests/fuzz/harness.py all -max_total_time=$(SECONDS)

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.extras: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -e '.[dev,geodata]'
	touch $@
