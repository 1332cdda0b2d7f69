# The few verbs of the project, the same for people and for continuous integration.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest
UV     := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

.DEFAULT_GOAL := help
.PHONY: help install web demo as-root test test-long test-deploy fuzz check check-deploy fmt bench coverage screenshots lock system-deps deploy-tools wheelhouse mirror clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## make .venv with the locked dependencies (instant when nothing changed)
	@sha256sum --check --status $(VENV)/installed 2>/dev/null || $(MAKE) --no-print-directory $(VENV)/installed

.PHONY: $(VENV)/installed
$(VENV)/installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=... names another)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python cannot make environments here. Type: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-build-isolation --no-deps --editable .
	@sha256sum locks/dev.lock pyproject.toml > $@

WEB := api/web/dist/index.html

web: install $(WEB) ## build the operators' page into api/web/dist (instant when nothing changed)

$(WEB): $(shell find api/web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name 'schema.d.ts')
	@echo "Building the operators' page (a minute the first time)"
	@sh api/web/build.sh build

demo: web ## a whole room on this machine: broker, API, controller, 12 simulated postes
	@exec $(BIN)/ppm demo

system-deps: ## the Debian packages that the tests need (installs them when root)
	@sh tests/setup.sh

as-root: # what needs root is not left out: it is said how to run it
	@[ "$$(id -u)" -eq 0 ] || { echo "The tests make an account, and clean up after it: that needs root. Type: sudo make test$(if $(ARGS), ARGS='$(ARGS)')" >&2; exit 1; }

test: as-root install system-deps web ## every test but the long ones
	@$(PYTEST) -n $(WORKERS) --dist loadfile $(ARGS)

test-long: install system-deps web ## the tests that take minutes
	@$(PYTEST) -m long --timeout 1800 $(ARGS)

DEPLOY := .cache/deploy

deploy-tools: ## Ansible and what checks its playbooks, in an environment of their own
	@sha256sum --check --status $(DEPLOY)/installed 2>/dev/null || { \
	    $(PYTHON) -m venv $(DEPLOY) && \
	    $(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/deploy.lock && \
	    sha256sum locks/deploy.lock > $(DEPLOY)/installed; }

wheelhouse: web ## the programs with all that they need, for machines without Internet; build/deploy
	@sh ansible/wheelhouse.sh $(BIN)/python

mirror: ## the Debian packages that the playbooks install, for machines that reach no mirror; build/deploy
	@sh ansible/mirror.sh $(PACKAGES)

check-deploy: deploy-tools ## the playbooks by ansible-lint, as strict as it is
	@cd ansible && PATH="$(CURDIR)/$(DEPLOY)/bin:$$PATH" ansible-lint --offline --profile production -q .

test-deploy: as-root install system-deps deploy-tools web ## fresh Debian machines become a server and a poste by the playbooks; minutes
	@$(MAKE) --no-print-directory wheelhouse
	@$(MAKE) --no-print-directory mirror PACKAGES="xvfb xdotool"
	@$(PYTEST) -m deploy --timeout 3600 -s tests/deploy $(ARGS)

fuzz: install system-deps ## every phase of schemathesis over the API, for minutes (PPM_FUZZ_S=seconds for each operator)
	@PPM_FUZZ_S=$${PPM_FUZZ_S:-300} $(PYTEST) --timeout 3600 tests/api/test_fuzz.py $(ARGS)

check: install ## format, lint, types, layers, generated documents
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy --platform win32 --no-warn-unreachable kiosk_agent/platform/windows kiosk_agent/local kiosk_agent/updating ppm/windows_kiosk.py
	@$(BIN)/lint-imports
	@$(BIN)/python -m ppm.docs --check
	@sh api/web/build.sh types
	@sh api/web/build.sh test

fmt: install ## put the code in its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: install system-deps ## figures beside their baselines; keeps them in build/bench.json
	@$(BIN)/python -m bench

coverage: as-root install system-deps web ## what the tests run through; build/coverage/index.html
	@mkdir -p build
	@rm -f build/coverage.data*
	@COVERAGE_FILE=$(CURDIR)/build/coverage.data $(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadfile $(ARGS)
	@COVERAGE_FILE=build/coverage.data $(BIN)/coverage combine --quiet
	@COVERAGE_FILE=build/coverage.data $(BIN)/coverage html --quiet --directory build/coverage
	@COVERAGE_FILE=build/coverage.data $(BIN)/coverage report

screenshots: install system-deps web ## pictures of the page, and of the window in each state, into build/screenshots; those that the docs show are kept there
	@QT_QPA_PLATFORM=offscreen QT_LOGGING_RULES='*.warning=false' $(BIN)/python -m tests.support.gallery build/screenshots docs
	@LANGUAGE=fr $(BIN)/python -m tests.page.gallery build/screenshots docs

lock: ## bring locks/ up to pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(UV) --extra kiosk $(UPGRADE) --output-file locks/kiosk.lock
	@$(UV) --extra kiosk-ui $(UPGRADE) --output-file locks/kiosk-ui.lock
	@$(UV) --extra server $(UPGRADE) --output-file locks/server.lock
	@$(UV) --extra node $(UPGRADE) --output-file locks/node.lock
	@$(UV) --extra deploy $(UPGRADE) --output-file locks/deploy.lock
	@$(UV) --extra server --extra kiosk-ui --extra bench --extra dev $(UPGRADE) --output-file locks/dev.lock

clean: ## forget what was built (keeps .venv and the cache of downloads)
	@rm -rf build dist api/web/dist api/web/node_modules .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
