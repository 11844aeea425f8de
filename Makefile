# Every target works on a fresh clone with nothing but Python 3.11 or newer and make: it creates its environment first.
# `make` alone lists the targets. VENV=folder puts the environment elsewhere, PYTHON=python3.12 takes another Python.

SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
RUN := $(VENV)/bin/python
# The tests run in a process a core: a thread of BLAS each is then the fastest, and the same bits everywhere.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(RUN) -m pytest -n auto --dist loadfile

# What each environment holds: the words after `pip install --editable`.
NEEDS_demo := '.[plot]'
NEEDS_test := '.[test]' --group lint
NEEDS_live := '.[test]' --group live
NEEDS_lowest := '.[test]' --group lowest
NEEDS_docs := '.[docs]'
NEEDS_bench := '.[bench]'
NEEDS_notebooks := '.[plot]' --group notebooks

.PHONY: help
help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 20

.PHONY: demo
demo: $(VENV)/.demo  ## train on handwritten digits, print the scores, write two pictures
	$(RUN) examples/digits.py

.PHONY: test
test: lint  ## every test and check but the long campaigns
	$(PYTEST)

.PHONY: lint
lint: $(VENV)/.test  ## style, types, the meters of the house
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m pyright --pythonpath $(RUN)
	$(RUN) benchmarks/house.py

.PHONY: format
format: $(VENV)/.test  ## put the code into the project's format
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

.PHONY: test-lowest
test-lowest:  ## the tests with the oldest NumPy and SciPy that are supported (Python 3.11 or 3.12)
	$(MAKE) VENV=$(VENV)-lowest test-with-lowest

.PHONY: test-with-lowest
test-with-lowest: $(VENV)/.lowest
	$(RUN) -c 'import numpy, scipy; print("numpy", numpy.__version__, "scipy", scipy.__version__)'
	$(PYTEST) tests minidl

.PHONY: live
live: $(VENV)/.live  ## build the live page and serve it on this machine
	$(RUN) docs/live/page.py docs/_build/live
	$(RUN) -m http.server --bind 127.0.0.1 --directory docs/_build/live

.PHONY: test-live
test-live: $(VENV)/.live $(VENV)/node_modules  ## the live page in headless Chromium (needs chromium and npm)
	MINIDL_LIVE=required $(PYTEST) tests/live tests/test_live.py

.PHONY: soak
soak: $(VENV)/.test  ## the long campaigns: faults, kills, fuzzing, thorough certification
	$(PYTEST) -m slow tests

.PHONY: mutants
mutants: $(VENV)/.test  ## put small faults into the core and count those that the tests notice: hours
	$(ONE_THREAD) $(RUN) tests/mutation

.PHONY: docs
docs: $(VENV)/.docs  ## build the documentation into docs/_build/html
	$(RUN) -m sphinx -W --keep-going -b html docs docs/_build/html

.PHONY: notebooks
notebooks: $(VENV)/.notebooks  ## run the notebooks of examples/, and compare what they print with what they store
	$(RUN) docs/notebooks.py

.PHONY: bench
bench:  ## the quick form of the benchmarks, with the other libraries, in a separate environment
	$(MAKE) VENV=$(VENV)-bench bench-with-peers

.PHONY: bench-with-peers
bench-with-peers: $(VENV)/.bench
	$(RUN) benchmarks/run.py speed reliability --quick

.PHONY: clean
clean:  ## remove the environments and everything built
	rm -rf .venv .venv-* build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "minidl needs Python 3.11 or newer; none was found. Pass PYTHON=path/to/python."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade 'pip>=25.1'  # the first pip that knows dependency groups
	touch $@

# CPython's system calls in the browser, and the engine of the public page
$(VENV)/node_modules: | $(VENV)/.created
	npm install --silent --no-fund --no-audit --prefix $(VENV) @bjorn3/browser_wasi_shim@0.4.2 pyodide@314.0.7
	touch $@

$(VENV)/.%: pyproject.toml | $(VENV)/.created
	$(RUN) -m pip install --quiet --editable $(NEEDS_$*)
	touch $@
