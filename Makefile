# The menu: `make demo` and `make test` go from a bare clone to the end.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2
FIGURES := benchmarks/slow_tests.json
MODULES := node_modules/.ready
export OMP_NUM_THREADS ?= 1
export NO_MKDOCS_2_WARNING = 1

.PHONY: demo starter cosmos test test-slow test-light check messages site serve official publish bench clean

demo: $(VENV)/.demo | $(MODULES) ## evaluate, rank and render the built-in data
	$(BIN)/cosmos-board demo

starter: $(VENV)/.demo | $(MODULES) ## 2 GB of open data, fetched, evaluated and ranked over lunch
	$(BIN)/cosmos-board cosmos --starter --out build/starter $(addprefix --model ,$(MODELS))

cosmos: $(VENV)/.demo | $(MODULES) ## SETS="kvasir-seg camus": the same for these datasets
	$(BIN)/cosmos-board cosmos $(SETS) $(addprefix --model ,$(MODELS))

test: $(VENV)/.test check | $(MODULES) ## everything that must be green
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-slow: $(VENV)/.test | $(MODULES) ## the full counts: kills, simulations, fuzzing, crawls
	rm -f $(FIGURES)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "slow and not timed" --figures=$(FIGURES)
	$(BIN)/python -m pytest -m "slow and timed" --figures=$(FIGURES)

check: $(VENV)/.test ## style, types, layers and translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/messages --check

messages: $(VENV)/.test ## collect the site's sentences into the translators' catalogues
	$(BIN)/python .ci/messages

test-light: ## the half without torch, from the wheel in an environment of its own
	rm -rf build/light build/wheel
	$(PYTHON) -m venv build/light
	build/light/bin/python -m pip wheel -q --no-deps --wheel-dir build/wheel .
	build/light/bin/python -m pip install -q build/wheel/*.whl
	cd build && PYTHONPATH= light/bin/python ../tests/light.py

site: $(VENV)/.demo | $(MODULES) ## render the demo board
	$(BIN)/cosmos-board site build --db build/demo/board.duckdb

serve: $(VENV)/.demo | $(MODULES) ## render the demo board and serve it on this machine
	$(BIN)/cosmos-board site serve --db build/demo/board.duckdb

official: $(VENV)/.demo ## PACKS=…: SAM's official checkpoints on these packs, ready to submit
	.ci/official $(PACKS)

publish: $(VENV)/.demo | $(MODULES) ## database and site of the accepted submissions
	$(BIN)/python -m cosmos_board.cli.submissions.publish

bench: $(VENV)/.test ## measure against named peers
	$(BIN)/python -m benchmarks

clean:
	rm -rf build node_modules .mypy_cache .pytest_cache .ruff_cache

$(MODULES): package.json package-lock.json # scripts that the site serves from itself
	@if ! command -v npm >/dev/null; then \
	    echo "npm is missing: the site will have no pivot on Explore and a larger Plotly" >&2; \
	elif npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then \
	    touch $@; \
	else \
	    echo "npm ci failed: the site will have no pivot on Explore and a larger Plotly" >&2; \
	fi

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$@ -m pip install -q --upgrade pip

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e ".[sam,fast]"
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e ".[test]"
	touch $@ $(VENV)/.demo
