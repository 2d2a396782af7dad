# make run     the system with a simulated plant, at http://127.0.0.1:8000
# make test    every test, with all set-up that they need
# make build   the binaries and the dashboard
# make bench   a recorded day through every graph, with one worker and with two
# make bench-peers   the same windows on Lehr, DuckDB, Flink, Pathway and Bytewax; writes docs/peers.md
# make lint    formatting, clippy, type checks

# The build cache stays outside the clone, so that a fresh clone builds in minutes.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lehr
export CARGO_TARGET_DIR ?= $(CACHE)/target
export LEHR_CACHE := $(CACHE)

SPEED ?= 60
DATA ?= data
ARGS ?=

.PHONY: run test build bench bench-peers lint frontend rust onnxruntime test-setup clean

run: build onnxruntime
	$(CARGO_TARGET_DIR)/debug/lehr serve --data $(DATA) --speed $(SPEED) $(ARGS)

build: frontend rust

# With the features that all packages together ask of dependencies, as the tests have them: or both would be compiled twice.
rust:
	cargo build --locked --workspace --bin lehr --bin lehr-train

# What scores with trained models. Without it Lehr serves, and says that nothing scores.
onnxruntime:
	@scripts/fetch-onnxruntime || echo "ONNX Runtime was not fetched: nothing will be scored"

frontend: frontend/dist/index.html

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund
	@touch $@

FRONTEND_SOURCES := $(shell find frontend/src frontend/public frontend/index.html frontend/vite.config.ts -type f 2>/dev/null)

frontend/dist/index.html: frontend/node_modules/.package-lock.json $(FRONTEND_SOURCES)
	cd frontend && npm run build

test-setup:
	scripts/test-setup

test: build test-setup
	scripts/test

bench:
	scripts/bench

bench-peers:
	scripts/bench-peers $(ARGS)

lint: frontend/node_modules/.package-lock.json
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd frontend && npm run lint

clean:
	rm -rf frontend/dist frontend/node_modules
	cargo clean
