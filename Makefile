# Only forwards to CMake (CMakePresets.json): nothing is built by rules of this file.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# Ninja asks for parallel jobs itself; ctest and cmake --build read these.
export CMAKE_BUILD_PARALLEL_LEVEL = $(JOBS)
export CTEST_PARALLEL_LEVEL = $(JOBS)

.DEFAULT_GOAL := all
.PHONY: all deps demo test test-release test-clang test-asan test-tsan test-torch test-processor fuzz soak bench bench-peers runtime install format lint clean

all: deps ## build the library and the program (build/release/bin/prune)
	@cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@cmake --build --preset release --target product

deps: ## install the Debian packages that are missing
	@mkdir -p build
	@cmake/deps.sh

demo: all ## compress the bundled model and show the difference
	@pipelines/demo.sh build/release/bin/prune

test: test-release test-clang test-asan test-tsan ## all checks: release, clang's warnings, then under sanitizers

test-release: all
	@cmake --build --preset release
	@ctest --preset release

test-clang: deps ## clang's warnings on every file, without building
	@cmake/deps.sh clang-14
	@cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@python3 tests/law/clang.py build/release/compile_commands.json $(JOBS)

test-asan: deps
	@cmake --preset asan >build/asan.log 2>&1 || { cat build/asan.log; exit 1; }
	@cmake --build --preset asan
	@ctest --preset asan

test-tsan: deps
	@cmake --preset tsan >build/tsan.log 2>&1 || { cat build/tsan.log; exit 1; }
	@cmake --build --preset tsan
	@ctest --preset tsan

fuzz: ## run every fuzz target for FUZZ_SECONDS (60) under sanitizers
	@mkdir -p build
	@cmake/deps.sh clang-14 libclang-rt-14-dev
	@cmake --preset fuzz >build/fuzz.log 2>&1 || { cat build/fuzz.log; exit 1; }
	@cmake --build --preset fuzz
	@tests/fuzz/run.sh build/fuzz

# The number is that of kills; the other tests of the label only look whether it is there.
SOAK ?= 50
soak: all ## the long tests: kills, every failing allocation and file call, then fuzzing (see docs/reliability.md)
	@cmake --build --preset release
	@PRUNE_SOAK=$(SOAK) ctest --preset soak
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$${FUZZ_SECONDS:-300}

test-torch: all ## the Python package against PyTorch 2.13.0 (CPU), which this installs
	@ctest --preset release -R '^python\.(environment|wheel)$$'
	@tests/python/torch.sh $(CURDIR)/build/release $(CURDIR)/build/venv-torch $(CURDIR)/bindings/python

# Without the kernels' copies in plain C, which every machine runs and an emulated one would for hours.
test-processor: deps ## the kernels' AVX-512, VNNI and AMX machine code on an emulated processor (docs/architecture.md)
	@cmake --preset release -B build/processor -DHAVE_SIMDE=OFF >build/processor.log 2>&1 || { cat build/processor.log; exit 1; }
	@cmake --build build/processor --target processor_tests
	@tests/processor/run.sh build/processor

# BENCH passes arguments on, as in BENCH="--quick --only ours/".
bench: all ## measure this library: benchmarks/results.md (see benchmarks/)
	@cmake --build --preset release --target bench_kernels bench_worker bench_tuning >/dev/null
	@python3 benchmarks/bench.py $(BENCH)

bench-peers: all ## measure it against torch, ONNX Runtime and OpenVINO, which this installs
	@cmake --build --preset release --target bench_kernels bench_worker bench_tuning >/dev/null
	@ctest --preset release -R '^python\.(environment|wheel)$$'
	@benchmarks/peers/environment.sh $(CURDIR)/build/release $(CURDIR)/build/venv-peers
	@python3 benchmarks/bench.py --peers $(BENCH)

runtime: ## the small library for deployed programs, in build/runtime (docs/deploy.md)
	@mkdir -p build
	@cmake/deps.sh --runtime
	@cmake --preset runtime >build/runtime.log 2>&1 || { cat build/runtime.log; exit 1; }
	@cmake --build --preset runtime

install: all ## headers, libraries, program, CMake package and pkg-config files into PREFIX
	@cmake --install build/release --prefix "$(PREFIX)"

format: ## clang-format every source file
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

lint: all ## clang-tidy, see .clang-tidy
	@git ls-files 'libprune/*.c' 'eval/*.c' 'pipelines/*.c' | xargs -P $(JOBS) -n 4 clang-tidy-14 -quiet -p build/release --extra-arg=-Wno-unknown-warning-option

clean: ## remove everything that was built
	@rm -rf build
