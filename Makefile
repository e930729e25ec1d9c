# make demo    the main job on real digits, from nothing but Python and a C compiler
# make test    all tests
# make levels  the tests of whole nets, with each instruction set forced in turn
# make oldcpus the demo and part of the tests on processors without AVX, as QEMU plays them (qemu-user)
# make asan    the tests of everything written in C, under AddressSanitizer and UBSan
# make emulated     the kernels of AVX-512 under the same, in C and AVX2, where the processor has none
# make tsan    threads and processes under ThreadSanitizer, which also has to find the races that are planted
# make valgrind some scalar kernels and plans under valgrind (docs/reliability.md says which)
# make mutants plants faults, each of which some test must notice
# make soak    nets of all kinds for SOAK_SECONDS (180): memory must stay flat
# make bench   a short set of benchmarks, in five minutes, saved in .benchmarks
# make bench-compare    whether anything became slower between the last two saved runs (or OLD=… NEW=…)
# make fuzz    every fuzzing target for FUZZ_SECONDS (see fuzz/README.md)
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

.PHONY: demo test levels oldcpus asan emulated tsan valgrind mutants soak fuzz bench bench-compare lint clean

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

LEVEL_TESTS ?= tests/golden tests/net tests/plan tests/profile tests/comparing tests/runtime tests/models tests/pruning

levels: $(VENV)/installed-test
	@for level in $$($(BIN)/python -c "from scalpel_rt import isa; print(*isa.runnable())"); do \
	    echo "== SCALPEL_ISA=$$level"; \
	    SCALPEL_ISA=$$level $(BIN)/python -m pytest --quiet $(LEVEL_TESTS) || exit 1; \
	done

# NumPy 2.4 and later ask for SSE4.2, so here is an older one; the extensions are those of the plain build.
OLD_CPUS  := build/oldcpus
OLD_TESTS ?= tests/kernels/test_fc_dense.py tests/kernels/test_conv_gemm.py tests/kernels/test_pool_plain.py tests/net

oldcpus: $(VENV)/installed-test
	@command -v qemu-x86_64 || { echo "no qemu-x86_64 found: install qemu-user"; exit 1; }
	test -e $(OLD_CPUS)/bin/python || $(BIN)/python -m venv $(OLD_CPUS)
	$(OLD_CPUS)/bin/python -m pip install --quiet "numpy<2.4" scipy protobuf pytest hypothesis h5py pillow
	$(OLD_CPUS)/bin/python -m pytest -p no:cacheprovider tests/runtime/test_old_cpus.py
	@for cpu in core2duo Nehalem; do \
	    echo "== $$cpu"; \
	    qemu-x86_64 -cpu $$cpu $(OLD_CPUS)/bin/python -m scalpel_rt.cli demo --show 0 || exit 1; \
	    qemu-x86_64 -cpu $$cpu $(OLD_CPUS)/bin/python -m pytest --quiet -rfE -p no:cacheprovider $(OLD_TESTS) || exit 1; \
	done

# What cannot run here need not be built for a sanitizer, which takes minutes for some of the kernels.
RUNNABLE = SCALPEL_ISAS="$$($(BIN)/python -c "from scalpel_rt import isa; print(*isa.runnable())")"

# A copy of the tree, so that the plain build stays as it is. The tests of kernels, plans and golden nets run on every level
# that the machine has, one after the other. Left out: QEMU, which would play the sanitizer's terabytes of addresses, too,
# until the memory is full, and the bound on how soon one long convolution stops, which there takes a hundred times longer
# than was estimated. OpenVINO, where it is installed as a peer, ends the process without a word.
ASAN       := build/asan
ASAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1
LONG_STEP   = tests/runtime/test_threads.py::test_ctrl_c_stops_a_long_run
ASAN_TESTS ?= tests --ignore tests/runtime/test_old_cpus.py --deselect "$(LONG_STEP)[1-step]" --deselect "$(LONG_STEP)[2-step]" \
               --deselect "$(LONG_STEP)[1-turns]" --deselect "$(LONG_STEP)[2-turns]"

# Builds in a copy of the tree, $(1), with the flags $(2) and instruction sets $(3); then, there, Python with the sanitizers in it.
define sanitized
mkdir -p $(1)/tree
git ls-files -z | xargs -0 cp --parents --update -t $(1)/tree
ln -sfn ../../../shared $(1)/shared
export $(3) && cd $(1)/tree && SCALPEL_CFLAGS="$(2)" $(CURDIR)/$(BIN)/python setup.py --quiet build_ext --inplace
cd $(1)/tree && LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 $(CURDIR)/$(BIN)/python
endef

asan: $(VENV)/installed-dev
	$(call sanitized,$(ASAN),$(ASAN_FLAGS),$(RUNNABLE)) -m pytest -p no:cacheprovider $(ASAN_TESTS)

# The kernels of AVX-512 on processors without it, in C and AVX2 (tests/emulated), under the same sanitizers.
EMULATED       := build/emulated
EMULATED_FLAGS := $(ASAN_FLAGS) -mno-avx512f -Itests/emulated -DSCL_EMULATED -Wno-psabi
EMULATED_TESTS ?= tests/kernels tests/plan tests/golden tests/sparse tests/runtime/test_determinism.py tests/models/test_blobs.py tests/models/test_shipped.py

emulated: $(VENV)/installed-dev
	$(call sanitized,$(EMULATED),$(EMULATED_FLAGS),SCALPEL_ISAS=avx512) -m pytest -p no:cacheprovider $(EMULATED_TESTS)

# CPython itself is not instrumented, so the only memory that is watched is that of the C code here and of the extensions;
# setarch: with addresses at random, the sanitizer of some compilers finds no room for its shadow. It makes kernels a hundred
# times slower, so what runs for long or must end soon (Ctrl-C) is left out.
TSAN       := build/tsan
TSAN_FLAGS := -fsanitize=thread -g -O1
TSAN_TESTS ?= tests/runtime/test_threads.py tests/plan/test_stages.py tests/plan/test_turns.py \
              -k "not ctrl_c and not long_run and not stopped and not interrupted"
TSAN_RUN    = setarch -R env LD_PRELOAD=$$($(CC) -print-file-name=libtsan.so) \
              TSAN_OPTIONS=exitcode=66:die_after_fork=0:halt_on_error=1 $(CURDIR)/$(BIN)/python

tsan: $(VENV)/installed-dev
	$(RUNNABLE) SCALPEL_CFLAGS="$(TSAN_FLAGS)" $(BIN)/python -m tests.mutants.run --under tsan --tree $(TSAN) --python "$(TSAN_RUN)"
	cd $(TSAN) && $(TSAN_RUN) -m pytest -p no:cacheprovider $(TSAN_TESTS)

# Of the scalar level, since valgrind does not know all of AVX-512. Python's own allocator would hide what is done to memory.
VALGRIND_TESTS ?= $(wildcard tests/kernels/test_[a-e]*_plain.py) tests/kernels/test_fc_dense.py tests/runtime/test_plan.py
VALGRIND_RUN    = PYTHONMALLOC=malloc SCALPEL_ISA=scalar valgrind --quiet --error-exitcode=99 --exit-on-first-error=yes \
                  --suppressions=tests/valgrind.supp $(BIN)/python

valgrind: $(VENV)/installed-test
	@command -v valgrind || { echo "no valgrind found"; exit 1; }
	$(VALGRIND_RUN) -m pytest -p no:cacheprovider -k "scalar or not kernel" $(VALGRIND_TESTS)

mutants: $(VENV)/installed-dev
	$(BIN)/python -m tests.mutants.run

SOAK_SECONDS ?= 180

soak: $(VENV)/installed-test
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS)

bench: $(VENV)/installed-test
	$(BIN)/python -m pytest benchmarks/bench_*.py -m "not long" -q --benchmark-autosave --benchmark-columns=median,iqr,rounds

bench-compare: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.compare $(OLD) $(NEW)

# A target in Python is fuzz/NAME.py. kernels.c needs a clang.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= prototxt caffemodel hdf5 safetensors images arrays results programs matrices kernels
CLANG        ?= $(shell command -v clang || command -v clang-19 || command -v clang-16 || command -v clang-14)
FUZZ         := build/fuzz
FUZZ_FLAGS   := -fsanitize=address,undefined -fno-sanitize-recover=undefined -g -O1 -std=c11 -ffp-contract=off -Isrc_c/include \
                -DSCL_HAVE_SCALAR -DSCL_HAVE_SSE41 -DSCL_HAVE_AVX2 -DSCL_HAVE_AVX512

fuzz: $(VENV)/installed-dev
	for target in $(filter-out kernels,$(FUZZ_TARGETS)); do $(BIN)/python -m fuzz $$target --seconds $(FUZZ_SECONDS) || exit 1; done
ifneq ($(filter kernels,$(FUZZ_TARGETS)),)
	@test -n "$(CLANG)" || { echo "kernels.c needs a clang, and there is none: make fuzz CLANG=/path/to/clang"; exit 1; }
	mkdir -p $(FUZZ)/objects $(FUZZ)/corpus/kernels $(FUZZ)/findings
	for isa in "scalar" "sse41 -msse4.1" "avx2 -mavx2 -mfma -mf16c" "avx512 -mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma"; do \
	    set -- $$isa; name=$$1; shift; \
	    for file in src_c/kernels/$$name/*_plain_$$name.c; do \
	        $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $$@ -c -o $(FUZZ)/objects/$$(basename $$file .c).o $$file || exit 1; \
	    done; \
	done
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $(FUZZ)/kernels fuzz/kernels.c src_c/core/cpu.c src_c/core/pool.c $(FUZZ)/objects/*.o -pthread -lm
	$(FUZZ)/kernels -max_total_time=$(FUZZ_SECONDS) -timeout=60 -max_len=64 -print_final_stats=1 \
	    -artifact_prefix=$(FUZZ)/findings/kernels- $(FUZZ)/corpus/kernels
endif

lint: $(VENV)/installed-dev
	$(BIN)/ruff check

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .benchmarks
	rm -f scalpel_rt/runtime/*.so scalpel_rt/runtime/*.c scalpel_rt/caffe/*.desc
