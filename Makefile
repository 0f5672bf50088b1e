# `make drill`: be drilled.  `make test`: run the tests.  The other commands: `make help`.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt --editable
# An editable install shows every change at once, but pip compiles nothing of it; and where
# PYTHONDONTWRITEBYTECODE is set Python would compile it again at every start.
COMPILE := $(RUN) -m compileall -q mha_drill

.DEFAULT_GOAL := help
.PHONY: help drill test check lint types format check-content bench pictures clean
.DELETE_ON_ERROR:

help:
	@echo 'make drill          install into $(VENV), then start the quiz'
	@echo 'make test           install into $(VENV), then run every test, content check included'
	@echo 'make check          lint, types and make test: what CI runs'
	@echo 'make check-content  prove every problem folder: the skeleton fails, the solution passes, ...'
	@echo 'make format         lay the code out'
	@echo 'make bench          how long the commands take, beside `import torch`'
	@echo 'make pictures       draw the pictures of the README again'
	@echo 'make clean          remove $(VENV) and everything made'
	@echo "Variables: PYTHON=python3.12 (which Python), VENV=folder, ARGS='-k quiz' (for pytest, or the quiz)."

drill: $(VENV)/.installed
	@$(COMPILE)
	@$(VENV)/bin/mha-drill quiz $(ARGS)

test: $(VENV)/.installed-test
	@$(COMPILE)
	$(RUN) -m pytest --numprocesses auto --dist loadfile $(ARGS)

check: lint types test

lint: $(VENV)/.installed-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: $(VENV)/.installed-test
	$(RUN) -m mypy

format: $(VENV)/.installed-test
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

check-content: $(VENV)/.installed-test
	$(RUN) -m pytest tests/test_content.py tests/test_content_judged.py \
	  tests/test_question_bank.py $(ARGS)

bench: $(VENV)/.installed-test
	@$(COMPILE)
	$(RUN) tests/benchmarks/latency.py $(ARGS)

pictures: $(VENV)/.installed-test
	$(RUN) .github/pictures/draw.py

clean:
	@! test -e $(VENV)/pyvenv.cfg || rm -rf $(VENV)
	rm -rf dist build .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find mha_drill problems solutions tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { \
	  echo 'There is no `$(PYTHON)` here; mha-drill needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("mha-drill needs Python 3.11 or newer, \
	and `$(PYTHON)` is %d.%d. Name another: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { rm -f $@; \
	  echo '`$(PYTHON)` cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv).' >&2; exit 1; }

$(VENV)/.installed: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	@echo 'Installing into $(VENV). PyTorch is large: the first time takes a minute or more.'
	$(INSTALL) .
	@touch $@

$(VENV)/.installed-test: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	@echo 'Installing into $(VENV). PyTorch is large: the first time takes a minute or more.'
	$(INSTALL) '.[test]'
	@touch $@ $(VENV)/.installed
