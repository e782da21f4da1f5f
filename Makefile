# Two commands matter: `make demo` shows the whole path on real hosts, `make test` proves it.
.DEFAULT_GOAL := help
export MAKE_TARGET = $(firstword $(MAKECMDGOALS))
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help demo test quick lint format docs wheel bench-provision bench-verify lock clean

help: ## Show the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

demo: ## Raise a small rack on this machine, provision it, ask its model, verify it, take it down (root)
	@scripts/bootstrap lab
	@scripts/demo

test: ## Everything CI runs: lint, unit, contract, cli, ansibles, integration, molecule, e2e (root)
	@scripts/bootstrap lab
	@python scripts/tiers.py lint unit contract cli ansibles integration molecule e2e

quick: ## What needs no hosts: lint, unit, contract, cli
	@scripts/bootstrap python
	@python scripts/tiers.py lint unit contract cli

lint: ## ruff, mypy --strict, yamllint, ansible-lint
	@scripts/bootstrap python
	@python scripts/tiers.py lint

format: ## Let ruff write the layout
	@scripts/bootstrap python
	@ruff format . && ruff check --fix .

docs: ## Write what is generated: docs/checks.md, roles/*/README.md
	@scripts/bootstrap python
	@python scripts/check_pages.py && python scripts/role_readme.py

wheel: ## Build dist/hybridctl-VERSION-py3-none-any.whl
	@scripts/bootstrap python
	@rm -rf dist
	@python -m build --wheel --no-isolation --outdir dist . >/dev/null
	@ls dist/*.whl

bench-provision: ## Measure provision beside pyinfra and a naive playbook, 20 minutes (root)
	@scripts/bootstrap lab
	@python -m benchmarks.provision

bench-verify: ## Measure verify beside testinfra's backends, and on a fleet, 10 minutes (root)
	@scripts/bootstrap lab
	@python -m benchmarks.verify

lock: ## Write requirements/*.txt anew (needs uv)
	@for v in 3.11 3.12; do \
	  uv pip compile --quiet --universal --python-version $$v --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --extra lab --group dev pyproject.toml -o requirements/py$$(echo $$v | tr -d .).txt || exit 1; \
	done

clean: ## Remove what was built in this folder
	@rm -rf .venv .venv-other build dist .mypy_cache .ruff_cache .ansible
