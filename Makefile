# The two commands: `make demo` and `make test`. Both set up what they need, and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
# One waits for packages, or for the compiler's last file, while another one works.
ASIDE := --no-print-directory -j 2 --output-sync
PORT ?= 8080
IMAGE ?= perijove
# What the tests need beside Python packages, by Debian's names.
APT := apache2 chromium gcc libc6-dev python3-dev curl openssl libpcre2-8-0 pebble redis-server systemd
ENGINE := $(wildcard src/perijove/engine/*.py src/perijove/engine/*.pyx src/perijove/engine/*.pxd)
# Tests that start no server. What programs decide is compared with Apache on both engines: explain's on the pure one, what goes
# over the wire (oracle) on the compiled one. Checks ask whichever engine there is, once.
UNITS := not e2e and not browser and not server and not oracle and not contract
# They start servers, and often wait: three at a time, those that share servers on one side (tests/conftest.py).
SERVERS := server or e2e or browser or contract
# Of the others some take a thousand times as long as most: who has nothing left to do takes from who has.
SPREAD := -n 2 --dist worksteal
ONCE := tests/fuzz/test_texts.py tests/checks tests/property/test_checks.py tests/property/test_logs.py tests/property/test_regex.py

.DEFAULT_GOAL := help
# Bytecode is kept, whatever the environment says: else hundreds of servers that tests start would each compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# All targets without a slash: none of them is a file.
.PHONY: fuzz sanitize autobahn soak $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.demo ## Start a real JupyterHub behind perijove and print its URL (PORT=8080)
	@exec $(BIN)/python -m perijove.demo --port $(PORT)

demo-replicas: $(VENV)/.replicas ## The same with two perijoves that share their routes in a real Redis (PORT=8080)
	@exec $(BIN)/python -m perijove.demo --replicas --port $(PORT)

test: $(VENV)/.venv ## Set up, and run everything
	@$(MAKE) $(ASIDE) $(VENV)/.test $(VENV)/.apt
	@$(MAKE) $(ASIDE) build lint types docs
	@IMAGE=$(IMAGE) sh scripts/image.sh
	@echo "== the pure engine"
	@PERIJOVE_PURE=1 $(BIN)/python -m pytest -q -m "$(UNITS)" $(SPREAD) $(ONCE:%=--ignore=%)
	@echo "== the compiled engine, servers and browser"
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m pytest -q -m "oracle or ($(UNITS))" $(SPREAD) --ignore=tests/explain
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m pytest -q -m "$(SERVERS)" -n 3 --dist loadgroup --no-loadscope-reorder

unit: $(VENV)/.test build ## Run the tests that need no server, on both engines
	@PERIJOVE_PURE=1 $(BIN)/python -m pytest -q -m "$(UNITS)" $(SPREAD) $(ONCE:%=--ignore=%)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m pytest -q -m "$(UNITS)" $(SPREAD) --ignore=tests/explain

oracle: $(VENV)/.test ## Ask the real Apache httpd again (CASES='rw-*'; WRITE=1 keeps what it says)
	@set -f; $(BIN)/python -m tests.oracle.record $(if $(WRITE),--write) $(CASES)

oracle-check: $(VENV)/.test build ## Compare what perijove does with Apache's configurations (CASES='rw-*')
	@PERIJOVE_REQUIRE_COMPILED=1 ORACLE_CASES='$(CASES)' $(BIN)/python -m pytest -q -m oracle -n 2

pains: $(VENV)/.test build ## What users of configurable-http-proxy suffer from: shown on it, and on perijove
	@PAINS=1 PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m pytest -q -rxX tests/contract/test_pains.py

security: $(VENV)/.test build ## Attacks, odd messages, load and faults on all dialects (SECURITY_PEER='nginx haproxy httpd'; GROUP=faults)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.security.play $(GROUP)

hub-suite: $(VENV)/.test build ## JupyterHub's own tests, all that go through its proxy, with perijove as class and as command
	@set -e; export PERIJOVE_REQUIRE_COMPILED=1; for kind in class command; do \
	  $(BIN)/python -m tests.hub.suite --as $$kind --files through; \
	  $(BIN)/python -m tests.hub.suite --as $$kind --mode subdomain -k test_proxy.py; \
	  $(BIN)/python -m tests.hub.suite --as $$kind --mode ssl; done

cli-spec: $(VENV)/.test build ## configurable-http-proxy's own tests of its command line, with perijove's (CHP=its repository)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.contract.cli_spec $(CHP)

check-corpus: $(VENV)/.test build ## What `perijove check` misses and falsely finds in configurations as users have them
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.checks.accuracy

check-speed: $(VENV)/.test build ## How long `perijove check` takes for 10,000 lines of several shapes (LINES=…)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.checks.speed $(LINES)

bench: $(VENV)/.test build ## Compare with nginx, HAProxy, Apache, Caddy, configurable-http-proxy (PEERS, OURS, ITEMS, ROUNDS; INSIDE=1: system calls)
	@$(BIN)/python -m tests.bench $(if $(PEERS),--peers $(PEERS)) $(if $(OURS),--ours $(OURS)) $(if $(ITEMS),--items $(ITEMS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(INSIDE),--inside) $(if $(WRITE),--write $(WRITE))

routes-speed: $(VENV)/.test build ## What many routes cost, and what traffic notices of them (ONLY='churn many redis')
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.scale.speed $(ONLY)

oracle-fuzz: $(VENV)/.test build ## Random configurations on Apache and perijove (COUNT, SEED, ONLY=SEED:NUMBER; PLANTS=1)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.oracle.fuzz --count $(or $(COUNT),2000) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(PLANTS),--plants)

fuzz: $(VENV)/.fuzz build ## Octets that nobody would send (SECONDS=60 for each, TARGET=…, SEED=…; PLANTS=1)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(TARGET:%=--target %) $(if $(SEED),--seed $(SEED)) $(if $(PLANTS),--plants)

sanitize: $(VENV)/.test ## The engine's tests on an engine that watches its memory: ASan, UBSan, checked indices (TESTS=…)
	@sh scripts/sanitize.sh $(abspath $(BIN))/python $(or $(TESTS),tests/unit/engine tests/fuzz/test_engine.py tests/property/test_twins.py tests/property/test_exchanges.py)

autobahn: $(VENV)/.test build ## The Autobahn TestSuite through perijove and without it (PYTHON27=python2.7; CASES='1.*'; FULL=1)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.autobahn $(if $(PYTHON27),--python $(PYTHON27)) $(if $(FULL),--full) $(if $(CASES),--cases '$(CASES)')

soak: $(VENV)/.test build ## All that a day brings, over and over: memory and descriptors stay flat (MINUTES=10)
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10)

lint: $(VENV)/.test ## Style, import rules, layout, Containerfile
	@$(BIN)/ruff check -q && $(BIN)/ruff format -q --check
	@$(BIN)/lint-imports --no-logo > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@$(BIN)/python scripts/check_layout.py
	@$(BIN)/hadolint Containerfile

types: $(VENV)/.test ## mypy --strict
	@$(BIN)/mypy --no-error-summary

docs: $(VENV)/.test ## Build the documentation; warnings are errors
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

build: $(VENV)/.build ## Compile the engine in place

wheels: ## Build source and wheel for PYTHON, install both into fresh environments, keep them in dist/
	@PYTHON="$(PYTHON)" sh scripts/wheels.sh

image: ## Build the container image with docker, podman or buildah (IMAGE=perijove)
	@IMAGE=$(IMAGE) sh scripts/image.sh required

clean: ## Remove everything that was made
	rm -rf $(VENV) build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
	rm -f src/perijove/engine/*.so
	rm -rf src/*.egg-info

# ------------------------------------------------------------------ setting up

$(VENV)/.venv:
	@PYTHON="$(PYTHON)" VENV="$(VENV)" MAY_INSTALL="$(filter test,$(MAKECMDGOALS))" sh scripts/make_venv.sh
	@touch $@

$(VENV)/.demo: $(VENV)/.venv pyproject.toml setup.py $(ENGINE)
	@echo "Installing perijove, JupyterHub and JupyterLab (a minute or two the first time) …"
	@$(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/.apt: $(VENV)/.venv scripts/apt_needs.sh scripts/promtool.sh
	@APT="$(APT)" sh scripts/apt_needs.sh
	@sh scripts/promtool.sh $(BIN)
	@touch $@

$(VENV)/.replicas: $(VENV)/.demo pyproject.toml
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null || APT=redis-server WHO="this demo" sh scripts/apt_needs.sh
	@$(PIP) install -e '.[demo,redis]'
	@touch $@

$(VENV)/.test: $(VENV)/.venv pyproject.toml
	@echo "Installing what the tests need (two or three minutes the first time) …"
	@$(PIP) install -U 'pip>=25.1'
	@PERIJOVE_PURE=1 $(PIP) install --group lint --group docs --group test -e '.[demo]'
	@touch $@

$(VENV)/.fuzz: $(VENV)/.test
	@$(PIP) install --group fuzz || echo "There is no atheris for this Python: targets get what is made from their seeds only."
	@touch $@

$(VENV)/.build: $(VENV)/.test $(VENV)/.apt setup.py $(ENGINE)
	@echo "Compiling the engine …"
	@PERIJOVE_REQUIRE_COMPILED=1 $(BIN)/python setup.py -q build_ext --inplace --parallel 2 > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@touch $@ $(VENV)/.demo
