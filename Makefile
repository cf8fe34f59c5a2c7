# make serve   the site on http://127.0.0.1:5000, from nothing but python3 and make
# make test    every check
# make setup   the environment with every extra, nothing run
# make bench   the slow comparisons; benchmarks/ says against what

PYTHON ?= python3
PORT ?= 5000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test setup bench format clean

serve: $(VENV)/.installed
	$(BIN)/locator init
	$(BIN)/locator serve --port $(PORT)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q

setup: $(VENV)/.extras

bench: setup
	$(BIN)/python benchmarks/run.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.extras: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -e '.[dev,geodata]'
	touch $@
