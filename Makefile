# Thin: the build is CMake's. `make demo` and `make test` install what is missing, build, run.
PRESET ?= release
JOBS ?= $(shell nproc)

.PHONY: all build setup test demo bench format lint asan tsan fuzz clean

all: build

setup:
	@tools/setup/install_packages.sh

build: setup
	cmake --preset $(PRESET) >/dev/null
	cmake --build build/$(PRESET) -j $(JOBS)

test: build
	cd build/$(PRESET) && ctest --output-on-failure -j $(JOBS)

demo: build
	tools/setup/demo.sh build/$(PRESET)/bin

bench: build
	for b in build/$(PRESET)/bin/*_bench; do echo "== $$b"; $$b || exit 1; done

format:
	git ls-files '*.cc' '*.h' | xargs clang-format -i

# clang-format and clang-tidy over every file; LINT="FILE.cc ..." for clang-tidy over some.
lint: build
	tools/lint.sh build/$(PRESET) $(LINT)

asan tsan:
	$(MAKE) test PRESET=$@

# Every fuzz target for SECONDS each, over its seeds.
SECONDS ?= 300
fuzz:
	$(MAKE) build PRESET=fuzz
	tools/fuzz.sh build/fuzz/bin $(SECONDS)

clean:
	rm -rf build
