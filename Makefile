# What people and CI type. Needs Python 3.11+, make and package registries; everything else is fetched into .venv.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH

.DEFAULT_GOAL := help
.PHONY: help install assets run serve worker test lint format bench lock python

help:  ## say what can be typed here
	@echo "make <what>, where <what> is one of"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12
	@echo "Settings are environment variables (docs/settings.md), for example: PORT=8080 make run"

python:
	@command -v "$(PYTHON)" >/dev/null || { echo "Python 3.11 or newer is needed, and there is no '$(PYTHON)' on PATH (PYTHON=/path/to/python3 names another)." >&2; exit 1; }

install: python  ## set up .venv and the front-end assets, and nothing more
	@"$(PYTHON)" -m tools.prepare run --retry-assets

assets: python  ## fetch the front-end assets again
	@"$(PYTHON)" -m tools.prepare run --retry-assets

run: python  ## the portal with demo data: web server, worker and Google Calendar emulator, until Ctrl-C
	@"$(PYTHON)" -m tools.prepare run
	@exec $(PY) -m tools.run

serve: python  ## the web server alone, with production settings (HOST, PORT, WEB_WORKERS)
	@"$(PYTHON)" -m tools.prepare run
	@exec $(PY) -m tools.serve

worker: python  ## the background worker alone, with production settings
	@"$(PYTHON)" -m tools.prepare run
	@exec $(PY) -m flask --app wsgi worker

test: python  ## everything that CI checks
	@"$(PYTHON)" -m tools.prepare test
	@$(PY) -m tools.check lint test

lint: python  ## style and types only
	@"$(PYTHON)" -m tools.prepare lint
	@$(PY) -m tools.check lint

format: python  ## let ruff mend what it can
	@"$(PYTHON)" -m tools.prepare lint
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: python  ## measure the hot reads on this machine
	@"$(PYTHON)" -m tools.prepare lint
	@"$(PYTHON)" -m tools.prepare run
	@exec $(PY) -m bench

translations: python  ## extract, merge and compile the interface texts; fails if one is missing or fuzzy
	@"$(PYTHON)" -m tools.prepare lint
	@$(PY) -m tools.translations update

lock: python  ## pin and hash everything again after a change of requirements/*.in or package.json
	@"$(PYTHON)" -m tools.prepare lint
	@$(PY) -m tools.lock
