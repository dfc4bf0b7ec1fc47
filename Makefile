# SPDX-License-Identifier: Apache-2.0

.DEFAULT_GOAL := help
.PHONY: help run test prove check format build bench clean setup

BUILD := scripts/build

# `make prove single-node` and `make bench ingest`: the second word is the subject, no goal of its own.
SUBJECTS := $(filter prove bench,$(firstword $(MAKECMDGOALS)))
ifneq ($(SUBJECTS),)
NAME ?= $(word 2,$(MAKECMDGOALS))
SECOND := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(SECOND)
$(SECOND): $(SUBJECTS) ; @:
endif

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install what is missing, build, and serve a demo stream
	@scripts/setup build page
	swift build -c release --product millrace
	@scripts/run-demo

test: ## Everything that must be true, in under 40 minutes from nothing
	@scripts/setup build test cluster
	$(BUILD) tests
	scripts/swift-tests
	scripts/simulate
	scripts/fuzz all 20000x
	scripts/end-to-end

prove: ## make prove single-node: the full figures of one subject into docs/results/NAME.md
	@scripts/setup build test bench cluster
	$(BUILD)
	scripts/prove $(NAME)

check: ## Format, rooms, imports, settings reference, links, licences
	scripts/check

format: ## Format all Swift files in place
	scripts/format

build: ## Build the program and everything beside it
	@scripts/setup build
	$(BUILD)

bench: ## make bench ingest: measure one subject beside other servers
	@scripts/setup build bench $(if $(filter gossip,$(NAME)),cluster)
	$(BUILD)
	scripts/bench $(NAME)

clean: ## Forget what was built; installed packages stay
	rm -rf .build .build-fuzz
