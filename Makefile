# make demo    the main job on real digits, from nothing but Python and a C compiler
# make test    all tests
# make asan    the tests of everything written in C, under AddressSanitizer and UBSan
# make lint    what the linter says
# make clean   away with all that was made

VENV    := .venv
BIN     := $(VENV)/bin
# The first Python on the path that is new enough; make PYTHON=... takes another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 10))
PYTHON  ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
                 "$$p" -c "$(NEW_ENOUGH)" 2>/dev/null && echo "$$p" && break; done)
SOURCES := setup.py pyproject.toml $(shell find src_c proto -type f) \
           $(wildcard scalpel_rt/runtime/*.pyx scalpel_rt/runtime/*.pxd)

.PHONY: demo test asan lint clean

demo: $(VENV)/installed
	$(BIN)/scalpel-rt demo

test: $(VENV)/installed-test
	$(BIN)/python -m pytest

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python of at least 3.10 found: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# Editable: the Python files are used where they lie, and only a change to the sources of C code builds again.
$(VENV)/installed: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-test: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@ $(VENV)/installed

$(VENV)/installed-dev: pyproject.toml $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

# A copy of the tree, so that the plain build stays as it is.
ASAN       := build/asan
ASAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1
ASAN_TESTS ?= tests/kernels tests/runtime tests/plan tests/golden

asan: $(VENV)/installed-dev
	mkdir -p $(ASAN)/tree
	git ls-files -z | xargs -0 cp --parents --update -t $(ASAN)/tree
	ln -sfn ../../../shared $(ASAN)/shared
	cd $(ASAN)/tree && SCALPEL_CFLAGS="$(ASAN_FLAGS)" $(CURDIR)/$(BIN)/python setup.py --quiet build_ext --inplace
	cd $(ASAN)/tree && LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libstdc++.so)" \
	    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	    $(CURDIR)/$(BIN)/python -m pytest -p no:cacheprovider $(ASAN_TESTS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .benchmarks
	rm -f scalpel_rt/runtime/*.so scalpel_rt/runtime/*.c scalpel_rt/caffe/*.desc
