# Every target sets up what it needs: a clean clone wants Python 3.11 or newer.
# `make demo ARGS="--once"` and `make test ARGS="-k note"` pass options on.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/sh
# What is compiled once is kept, wherever the environment says that it is not.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache

# The first of these that exists; any other: make PYTHON=/path/to/python
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 \
  python3.14; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  2>/dev/null && { echo $$p; break; }; done)

# The stamp's name says for which place and which lock the set-up was made:
# a moved checkout or a changed lock has none, and the second run costs nothing.
STAMP := .venv/ready-$(shell { pwd -P; cat requirements.lock; } | cksum | tr -s ' ' -)
BIN := .venv/bin
CHINESE := syncd/messages/zh.mo
READY := $(STAMP) $(CHINESE)
ARGS ?=

# What decides and does no I/O is held by its own tests, to the last branch.
CORE := tests/test_errors.py tests/test_canonical.py \
  $(addprefix tests/,tlog oprf roster indicator flows)

.PHONY: help demo test test-slow coverage check house lint units pictures bench examples hostile soak soak-import lock \
  fix messages setup

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

$(STAMP):
	@test -n "$(PYTHON)" || { echo "setup: error: no Python 3.11 or newer" \
	  "on this machine; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) tools/setup.py $@

$(CHINESE): syncd/messages/zh.po | $(STAMP)
	@$(BIN)/pybabel --quiet compile --locale zh --input-file $< --output-file $@

setup: $(READY)  ## the virtual environment and libsodium; others call it

demo: $(READY)  ## four members on this machine exchange the sample data
	@$(BIN)/syncd demo $(ARGS)

# A third beside two cores: one of them waits for a socket or a child.
test: $(READY)  ## the fast tests: under two minutes
	@$(BIN)/pytest -q -n 3 --dist loadfile -m "not slow" $(ARGS)

# What takes one core: beside each other. Whole daemons follow, one test at a time.
BESIDE := $(addprefix tests/,audit byzantine cli conformance console \
  indicator lists oprf tlog web) $(addprefix tests/whole/test_,alone.py \
  conforming_member.py converge.py decided.py dishonest.py erasing.py format.py \
  generation.py relay.py retired.py) $(addprefix tests/node/test_,peer_choice.py \
  stolen_home.py)
# Flows know no database; what peers are chosen by lies in memory.
test-slow: $(READY)  ## kills, the demo, a browser, docs' code blocks, containers, PostgreSQL
	@$(BIN)/pytest -q -n 2 --dist loadfile -m slow --timeout 900 $(BESIDE) $(ARGS)
	@$(BIN)/pytest -m slow --timeout 900 $(BESIDE:%=--ignore %) $(ARGS)
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" --timeout 900 --engine postgresql \
	  --ignore tests/node/test_peer_choice.py tests/store tests/node tests/whole $(ARGS)
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" --timeout 900 --engine postgresql18 \
	  tests/store $(ARGS)

coverage: $(READY)  ## the core by its own tests: no branch is left out
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" --cov \
	  --hypothesis-seed=0 $(CORE) $(ARGS)

check: lint units  ## what CI runs first, in the order that fails fastest
	@$(MAKE) test ARGS="--hypothesis-profile=gate $(ARGS)"

house: $(READY)  ## how much there is to read, beside its ceiling
	@$(BIN)/python tools/house.py $(ARGS)
	@$(BIN)/python tools/walks.py $(ARGS)

lint: $(READY)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo >.venv/imports.txt 2>&1 || \
	  { cat .venv/imports.txt; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/vulture
	@$(MAKE) house ARGS=--check
	@$(BIN)/python tools/messages.py --check
	@$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/docker-compose -f docker/compose.yaml config -q
	@echo "lint: formatted, linted, layered, typed, within the ceiling"

# Installed units name /usr/bin/syncd, so they are verified in a root of their
# own. systemd-analyze exits 0 on an unknown key: its word must be empty.
units: $(READY)
	@$(BIN)/python tools/verify_units.py

PICTURES := .venv/pictures
pictures: $(READY)  ## every page of the console as a picture, the README's two with them
	@mkdir -p $(PICTURES)
	@$(BIN)/pytest -q -m slow --timeout 900 --pictures $(PICTURES) tests/console/browser $(ARGS)
	@cp $(PICTURES)/console-*.png docs/pictures/

bench: $(READY)  ## a million statements between two members, measured
	@$(BIN)/python bench/sync.py $(ARGS)

examples: $(READY)  ## all tests, with many more examples
	@$(BIN)/pytest -q --hypothesis-profile=soak --timeout 3600 $(ARGS)

SECONDS ?= 600
soak: $(READY)  ## a peer API under garbage, silence and slow readers
	@$(BIN)/python bench/hostile.py --soak $(SECONDS)

hostile: $(READY)  ## what attackers cost, beside an older build
	@$(BIN)/python bench/hostile.py $(ARGS)

# Twenty minutes and 2 GB of disk; `make test-slow` does 40,000 rows.
soak-import: $(READY)  ## a million rows imported through six kills
	@$(BIN)/pytest -q -s --timeout 0 --import-rows 1000000 \
	  tests/whole/test_imports.py $(ARGS)

# One resolution for everybody; the image takes its part of it, and the build
# backend and babel, which are not fetched behind the lock's back.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header
lock: $(READY)  ## resolve the dependencies anew, for here and for the image
	@$(BIN)/$(COMPILE) --upgrade --group dev pyproject.toml -o requirements.lock
	@printf 'setuptools\nbabel\n' | $(BIN)/$(COMPILE) --no-annotate -c requirements.lock \
	  --extra postgresql pyproject.toml - -o docker/requirements.lock

messages: $(READY)  ## bring the catalogues up to the sentences in the code
	@$(BIN)/python tools/messages.py

fix: $(READY)  ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
