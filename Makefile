# Fronts CMake and the scripts; every target first does what it needs.
#   make demo    the whole way on real input: data, training, one repair before your eyes
#   make test    installs what is missing, builds, runs all tests
#   make fuzz    every parser of foreign bytes under libFuzzer, ten minutes each
#   make chaos   an hour of kills, partitions and full disks for a real plant (MINUTES=, SEED=)
#   make nightly all long tests: simulation, chaos, fuzzing (MINUTES= for all of it; default about 2.5 hours)
#   make asan    all tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make bench   benchmarks beside their peers (docs/benchmarks.md)
#   make build   build/release/mendel and build/release/mendel-trainer
#   make deps    Debian packages and Python wheels (TORCH=cpu|rocm|cuda)
#   make install PREFIX=/usr/local      make package      make clean
SHELL := /bin/bash
TORCH ?= cpu
PREFIX ?= /usr/local
SECONDS_EACH ?= 600
JOBS ?= $(shell nproc)
export TORCH

.PHONY: all build demo test bench deps install package clean asan fuzz fuzz-build chaos nightly
all: build

deps:
	@deploy/install-deps.sh

build: deps
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; rm -f build-configure.log; exit 1; }; rm -f build-configure.log
	@cmake --build --preset release -j $(JOBS)

demo: build
	@deploy/demo.sh

test: build fuzz-build
	@.venv/bin/python tests/run.py build/release

bench: build
	@.venv/bin/python tests/bench/run.py build/release

# The fuzz targets, where clang is; `make test` runs them for seconds, this for SECONDS_EACH.
fuzz-build: deps
	@if command -v clang++ >/dev/null; then cmake --preset fuzz >/dev/null && cmake --build --preset fuzz -j $(JOBS); else echo "no clang: fuzzing is left out"; fi

fuzz: fuzz-build
	@.venv/bin/python tests/fuzz/run.py build/fuzz --seconds $(SECONDS_EACH)

chaos: build
	@.venv/bin/python tests/faults/chaos.py build/release --minutes $(or $(MINUTES),60) $(if $(SEED),--seed $(SEED))

nightly: build fuzz-build
	@.venv/bin/python tests/nightly.py build/release $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

asan: deps
	@cmake --preset asan-ubsan && cmake --build --preset asan-ubsan -j $(JOBS)
	@.venv/bin/python tests/run.py build/asan-ubsan

install: build
	@cmake --install build/release --prefix "$(PREFIX)"

package: build
	@cd build/release && cpack && ls -l mendel*.deb mendel*.tar.zst

clean:
	rm -rf build
