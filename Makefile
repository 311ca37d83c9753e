# All a newcomer needs. `make` alone lists the targets.
VENV ?= .venv
PY := $(VENV)/bin/python
VARPULIS := $(VENV)/bin/varpulis
export VENV

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up demo test check format bench licenses release pin clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup: ## make the virtual environment and install what running needs
	@deploy/local/setup.sh run

setup-dev:
	@deploy/local/setup.sh dev

up: setup ## a coordinator, 4 workers and an example group on this machine
	@$(VARPULIS) up --workers 4 -f examples/plant/group.json

demo: setup ## the Mandelbrot set, computed by 4 workers, as mandelbrot.png
	@$(VARPULIS) demo mandelbrot --out mandelbrot.png

test: setup-dev ## everything the tests need, then all tests
	@echo "== language, engine and coordinator, room by room"
	@$(PY) -m pytest -q -n 2 tests/unit tests/conformance tests/contract
	@echo "== real servers, real processes, a real browser"
	@$(PY) -m pytest -q -n 2 --dist loadfile tests/integration tests/acceptance tests/browser tests/docs tests/deploy

check: setup-dev ## format, lint, types, layers, deployment settings, migrations
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo
	@VARPULIS_PRODUCTION=true VARPULIS_SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	  VARPULIS_ALLOWED_HOSTS=varpulis.example $(PY) manage.py check --deploy --fail-level WARNING
	@$(PY) manage.py makemigrations --check --dry-run

format: setup-dev ## lay out the code
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: setup-dev ## measure all of it, outputs checked, into bench/report/ (15 minutes)
	@$(PY) -m bench

licenses: setup-dev ## the licences of all packages it needs
	@$(VENV)/bin/pip-licenses --with-system --packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.txt)

release: setup-dev ## wheel, source, bill of materials, licences and sums in dist/
	@deploy/local/release.sh dist

PIN = $(VENV)/bin/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
  --no-emit-trusted-host --no-emit-find-links --no-header --annotation-style=line --upgrade
pin: setup-dev ## resolve the requirements again, with hashes
	@$(PY) -m pip install --quiet pip-tools
	@$(PIN) -o requirements.txt pyproject.toml
	@$(PIN) -o requirements-dev.txt requirements-dev.in
	@$(PIN) --extra database --extra kafka --extra nats --extra websocket -o deploy/docker/requirements.txt pyproject.toml

clean: ## remove what the targets made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f mandelbrot.png
