# PostgreSQL's major version: make test PG=18
PG ?= 15

.DEFAULT_GOAL := help
.PHONY: help demo clean-demo test regress bench fmt lint install clean

help: ## what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
	@echo "  PG=15, 16, 17 or 18 chooses the PostgreSQL version"

demo: ## the main job on real data, on a server of its own
	@scripts/demo.sh $(PG)

clean-demo: ## stop and remove the demo's server
	@scripts/clean-demo.sh

test: ## build and run every test
	@scripts/test.sh $(PG)

regress: ## build and run tests/pg_regress; T="one two" runs only these, ACCEPT=1 keeps what comes out
	@scripts/install.sh $(PG) dev
	@scripts/regress.sh $(if $(ACCEPT),--accept) $(PG) $(T)

bench: ## side-by-side benchmarks; B="one two" runs only these
	@bench/run.sh $(PG) $(B)

fmt: ## format the Rust code
	@scripts/lint.sh --fix

lint: ## clippy, rustfmt and shellcheck; anything they say is an error
	@scripts/lint.sh $(PG)

install: ## build a release and install it into the server
	@scripts/install.sh $(PG)

clean: ## remove what was built, downloaded and unpacked here
	@scripts/clean.sh
