# flop-harness. `make` lists the targets.
PYTHON ?= python3
VENV ?= .venv
SUITE ?= seeds
JOBS ?= 2
NETWORKS ?= 1000
COUNTER ?= thop
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PAGES := harness/flop_harness/report/pages
EXTRAS := all,test,lint

.DEFAULT_GOAL := help
.PHONY: help setup compare zoo zoo-all check drift effects verify claims time gpu test test-all nightly lint lint-pages bench site docs clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make the virtual environment .venv and install everything into it

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 setup" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

compare: $(STAMP)  ## run a suite and write results/<suite>/: make compare SUITE=path/or/name
	$(BIN)/flop-harness compare $(SUITE) --jobs $(JOBS) $(ARGS)

zoo: $(STAMP)  ## every model of torchvision, counts only: results/torchvision/
	$(BIN)/flop-harness compare torchvision --no-timing --jobs $(JOBS) $(ARGS)

zoo-all: $(STAMP)  ## every model of timm, counts only, in hours; goes on where it was stopped: results/timm-all/
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS),timm]'
	$(BIN)/flop-harness compare timm-all --no-timing --jobs $(JOBS) $(ARGS)

check: $(STAMP)  ## hold a suite against its golden results/<suite>/; fails if a figure or a term moved
	$(BIN)/flop-harness check $(SUITE) --jobs $(JOBS) $(ARGS)

drift: $(STAMP)  ## ask every released version of a counter: make drift COUNTER=fvcore; results/drift/
	$(BIN)/flop-harness drift $(COUNTER) $(ARGS)

effects: $(STAMP)  ## what counters do to the models that they count: results/effects/
	$(BIN)/flop-harness effects $(ARGS)

verify: $(STAMP)  ## prove by execution the formulas that price a suite: make verify SUITE=torchvision
	$(BIN)/flop-harness verify $(SUITE) --jobs $(JOBS) $(ARGS)

claims: $(STAMP)  ## audit the published figures in suites/claims/: results/claims/
	$(BIN)/flop-harness claims --jobs $(JOBS) $(ARGS)

test: $(STAMP)  ## run the fast tests
	$(BIN)/python -m pytest -m 'not slow' -n $(JOBS) --dist worksteal

test-all: $(STAMP)  ## run all tests; those in a browser need chromium, those of LaTeX pdflatex
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS),browser]'
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

nightly: $(STAMP)  ## every counter on 1,000 random networks, in some 20 minutes: make nightly NETWORKS=100
	RANDOM_NETWORKS=$(NETWORKS) $(BIN)/python -m pytest tests/test_random_networks.py -m slow -n $(JOBS) --dist worksteal

lint: $(STAMP)  ## style, layers and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

lint-pages:  ## types and style of the site's scripts; needs npm
	npm exec --yes --package typescript@5.9.3 -- tsc -p $(PAGES)
	cd $(PAGES) && npm exec --yes --package @biomejs/biome@2.6.8 -- biome lint --error-on-warnings .

bench: $(STAMP)  ## costs: of a count, of our clock, of compare beside its counters, of a large store
	$(BIN)/python tests/bench/counting.py $(ARGS)
	$(BIN)/python tests/bench/clock.py
	$(BIN)/python tests/bench/waste.py families
	$(BIN)/python tests/bench/columns.py results/torchvision

time: $(STAMP)  ## time a suite, alone on the machine: make time SUITE=grouped, or families
	$(BIN)/flop-harness time $(SUITE) $(ARGS)

gpu: $(STAMP)  ## on a machine with a GPU: counts on CUDA, times of three suites; about 20 minutes
	$(BIN)/flop-harness compare seeds --device cuda --no-timing --out build/gpu/seeds --jobs $(JOBS)
	for suite in families grouped generation; do \
	  $(BIN)/flop-harness time $$suite --device cuda --contexts --sessions 1 --budget 0.25 $(ARGS) || exit 1; \
	done

site: docs  ## every model, counter and claim as pages that open from a file: site/index.html
	$(BIN)/flop-harness site --readme $(ARGS)

docs: $(STAMP)  ## build the documentation from docs/ and the code: site/docs/index.html
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,docs]'
	$(BIN)/python docs/generate.py build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis build site *.egg-info
