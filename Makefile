# What to type. Everything sets itself up: the virtual environment is made when it is missing and left alone when it is up
# to date. Variables: DATA=DIR (real data), PROFILE=smoke|cpu|gpu, JOBS=N (notebooks at a time).

VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= smoke
JOBS ?= 1
SETS ?= librispeech_dev_clean esc50 div2k_valid

# The first Python from 3.11 to 3.13 that runs.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.12 python3.11 python3.13; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && { echo $$python; break; }; done)
# A shim may be on the path and not run: ask it.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)

# TORCH=cpu leaves out what only a GPU needs, which is what happens where none is found; TORCH=cuda takes everything.
TORCH ?= $(if $(wildcard /dev/nvidiactl /dev/nvidia0 /dev/dxg),cuda,cpu)
# Test processes at a time, each with one thread.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n > 8 ? 8 : n)))
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder --maxfail=1

ifdef DATA
export STEGOLAB_DATA := $(shell realpath -m -- "$(DATA)")
endif

.PHONY: help env run test quick acceptance lab data study train-speech train-carrier bench gallery store lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 22

env: $(VENV)/installed-$(TORCH)  ## the virtual environment .venv, from the lock

run: env  ## execute the notebooks (smoke) and write the gallery: runs/index.html
	$(BIN)/stegolab notebooks --profile smoke --jobs $(JOBS) --out runs

test: env  ## every test, and every notebook against its stored outputs
	$(BIN)/python -m pytest $(PARALLEL) --nbval-lax --nbval-current-env --nbval-cell-timeout=1800 tests notebooks

quick: env  ## the tests that take no notebook and little time
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not acceptance" tests

acceptance: env  ## the tests that make environments of their own, from the network: what a plain installation can do
	$(BIN)/python -m pytest -m acceptance tests

lab: env  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

data: env  ## fetch the data sets SETS="..." (see data_scripts) into DATA=DIR; from disk with FROM=DIR
	for set in $(SETS); do $(BIN)/python data_scripts/$$set.py \
		$(if $(DATA),--out "$(STEGOLAB_DATA)") $(if $(FROM),--from "$(FROM)") || exit 1; done

study: env  ## measure covers x speech x attacks of DATA=DIR: runs/study
	$(if $(STEGOLAB_DATA),,$(error make study DATA=DIR: name the folder with the real data))
	$(BIN)/stegolab study --out runs/study

train-speech: env  ## train Model 1 on DATA=DIR: stage one, then the metric phase; METRIC=both|gan|differentiable, ARGS="..."
	$(if $(STEGOLAB_DATA),,$(error make train-speech DATA=DIR: name the folder with the real data))
	$(BIN)/python -m stegolab.speech --out runs/train/speech $(ARGS)
	$(BIN)/python -m stegolab.speech --out runs/train/speech_$(or $(METRIC),both) \
		--init-from runs/train/speech/best.safetensors --metric-loss $(or $(METRIC),both) --steps 4000 \
		--learning-rate 3e-4

train-carrier: env  ## train the learned carrier on DATA=DIR: STRENGTH=social (or jpeg), more options in ARGS="..."
	$(if $(STEGOLAB_DATA),,$(error make train-carrier DATA=DIR: name the folder with the real data))
	$(BIN)/python -m stegolab.carrier.training --strength $(or $(STRENGTH),social) \
		--out runs/train/carrier_$(or $(STRENGTH),social) $(ARGS)

bench: env  ## how long hide and reveal take on this machine, and how much memory
	$(BIN)/python benchmarks/speed.py

gallery: env  ## execute the notebooks with PROFILE=..., JOBS=..., DATA=DIR: runs/PROFILE/index.html
	$(BIN)/stegolab notebooks --profile $(PROFILE) --jobs $(JOBS) --out runs/$(PROFILE)

store: env  ## execute the notebooks (smoke) and store their outputs in them, for a commit
	STEGOLAB_HEADLESS=1 $(BIN)/jupyter nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False $(or $(NAMES),notebooks/*.ipynb)

lock:  ## bring requirements/lock.txt up to pyproject.toml; UPGRADE=1 for the newest of everything
	$(or $(UV),$(error make lock needs uv)) pip compile pyproject.toml --universal --python-version 3.11 \
		--extra dev $(if $(UPGRADE),--upgrade) --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --quiet --output-file requirements/lock.txt

clean:  ## remove what was made, but for the virtual environment
	rm -rf runs notebooks/runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(VENV)/installed-$(TORCH): requirements/lock.txt requirements/install.py pyproject.toml
	$(if $(PYTHON),,$(error no Python from 3.11 to 3.13 found: install one, or name it with PYTHON=...))
	$(PYTHON) requirements/install.py $(VENV) --torch $(TORCH) $(if $(UV),--uv)
	@touch $@
