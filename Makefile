# Everything that can be done here; `make help` lists it. What the targets need they install into this
# checkout (.tools/, target/), but for the Wasm standard library (scripts/toolchain.sh).

.DEFAULT_GOAL := help
# The steps share two cores and one target directory; one after the other is quickest, and readable.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
SHELL := bash

# Integration tests that have a target of their own below, because of what they need.
elsewhere := tests/answers.rs tests/envoy.rs tests/envoy_telemetry.rs tests/reload.rs tests/wasm.rs
native := $(patsubst tests/%.rs,--test %,$(filter-out $(elsewhere),$(wildcard tests/*.rs))) \
	$(patsubst tests/%/main.rs,--test %,$(wildcard tests/*/main.rs))

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

.PHONY: wasm
wasm: ## build the module, target/wasm32-wasip1/release/palisade.wasm
	@scripts/wasm.sh

.PHONY: run
run: ## Envoy with the module on 127.0.0.1:10000 (PORT, ADMIN_PORT, POLICY=file.json, LOG=json)
	@exec scripts/run.sh

.PHONY: test
test: lint unit perf-test envoy-test wasm-test compose-test run-test report-test dashboard-test ## everything below, in this order

.PHONY: lint
lint: ## formatting and lints: native, the Wasm target, shell scripts
	@scripts/lint.sh

.PHONY: unit
unit: ## the native tests that need no Envoy
	cargo test --workspace --exclude palisade
	cargo test -p palisade --lib $(native)
	cargo test -p palisade --doc

.PHONY: perf-test
perf-test: ## the instructions of each stage of a request, against benches/baseline.toml
	@scripts/perf.sh check

.PHONY: perf-baseline
perf-baseline: ## a new baseline for perf-test (WHY='a sentence of CHANGELOG.md' if anything grew)
	@scripts/perf.sh baseline

.PHONY: envoy-test
envoy-test: wasm ## the case suite against the real Envoy (ENVOY=path takes another one)
	@envoy=$$(scripts/envoy.sh) || exit 1; \
	export ENVOY=$$envoy PALISADE_WASM=$${CARGO_TARGET_DIR:-$$PWD/target}/wasm32-wasip1/release/palisade.wasm; \
	echo "envoy-test: $$($$ENVOY --version | xargs)"; \
	cargo test -p palisade --test answers --test envoy --test envoy_telemetry --test reload && \
	cargo test -p palisade-cli --features envoy --test evaluate_envoy --test init_envoy

.PHONY: cases
cases: ## the case suite through its three drivers, and that they ran the same cases
	@scripts/cases.sh

.PHONY: wasm-test
wasm-test: ## the engine's tests compiled to Wasm, in Node
	@scripts/wasm-test.sh

.PHONY: compose-test
compose-test: ## docker-compose.yml: parsed, and its Envoy configuration accepted by the real Envoy
	@scripts/compose-test.sh

.PHONY: run-test
run-test: ## `make run` itself: its commands, its refusals, its end
	@python3 scripts/run_test.py

.PHONY: bench
bench: ## what Palisade costs in a real Envoy, into target/bench (QUICK=1, SHAPES=, VARIANTS=)
	@QUICK=$(QUICK) ROUNDS=$(ROUNDS) SHAPES=$(SHAPES) VARIANTS=$(VARIANTS) scripts/bench.sh

.PHONY: report-test
report-test: ## the page of `palisade report`, looked at in a real Chromium
	@python3 scripts/report_test.py

.PHONY: dashboard-test
dashboard-test: wasm ## the dashboard and the alerts: in a real Prometheus, over a running Envoy
	@scripts/dashboard-test.sh

.PHONY: fmt
fmt: ## format the Rust code
	cargo fmt --all

.PHONY: clean
clean: ## remove all that was built or installed here
	rm -rf target .tools
