# `make help` lists what is here.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test faults outage lint bench kafka

# rustup's cargo before Debian's, which is too old.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
# Footage and models that some tests want; where they are absent, those tests say that they were skipped.
export LIGHTBAR_TEST_DATA ?= $(abspath $(CURDIR)/../shared/data)

KAFKA ?= embedded

help: ## Print this.
	@echo "Lightbar: watches RTSP cameras and publishes structured alerts to Kafka."; echo
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo; echo "  Each installs first what it needs and this machine lacks; see docs/install.md."

setup: ## Install all that the demo and the tests need (apt, rustup, .tools/).
	@scripts/setup.sh all

build: ## Build the release binary, target/release/lightbar.
	@scripts/setup.sh demo
	cargo build --release

demo: ## Run the built-in street. SECONDS=n, SUMMARY=file, KAFKA=real|embedded, PORT=n.
	@scripts/setup.sh $(if $(filter real,$(KAFKA)),kafka,demo)
	cargo build --release
	./target/release/lightbar demo --kafka $(KAFKA) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SUMMARY),--summary $(SUMMARY)) $(if $(PORT),--port $(PORT))

test: ## Run every test: the pure core first, then all with real parts.
	@scripts/setup.sh test
	@rm -f .tools/skipped
	cargo test --no-default-features --lib --test architecture
	@LIGHTBAR_SKIPPED=$(CURDIR)/.tools/skipped bash -c 'cargo test; status=$$?; \
		echo "tests skipped for want of something (SKIPPED above): $$(cat .tools/skipped 2>/dev/null | wc -l)"; exit $$status'

faults: ## Run fault plans against the release program and a real Kafka. N=plans, SEED=number.
	@scripts/setup.sh test
	LIGHTBAR_FAULTS_N=$(or $(N),20) LIGHTBAR_FAULTS_SEED=$(or $(SEED),$(shell date +%s)) cargo test --release --test faults

outage: ## Measure an outage of an hour of alerts, and draw docs/outage.svg.
	@scripts/setup.sh test
	LIGHTBAR_FAULTS_OUTAGE=$(CURDIR)/docs/outage.svg cargo test --release --test faults

lint: ## Check format, lints and licences.
	@scripts/setup.sh demo
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --no-default-features --lib -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; \
	else echo "cargo-deny is not installed, so licences and bans were NOT checked; to install: cargo install --locked cargo-deny"; fi

bench: ## Measure; every figure is a ratio within one run.
	@scripts/setup.sh test
	cargo bench

kafka: ## Run a real local Apache Kafka in the foreground.
	@scripts/setup.sh kafka
	scripts/kafka.sh run
