# A thin front for meson: the commands worth remembering. The build itself is in meson.build.

BUILD ?= build
BUILDTYPE ?= release
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 360

.PHONY: all help demo check docs fuzz soak bench install clean

all: $(BUILD)/build.ninja  ## build everything into build/ (the default)
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) --buildtype=$(BUILDTYPE) -Dtests=false

demo:  ## install what is missing, build, and run the worker suite against the reference worker
	@tools/deps.sh build
	@$(MAKE) --no-print-directory all
	PATH="$(CURDIR)/$(BUILD)/systems/worker:$$PATH" $(BUILD)/src/assay run suites/worker

check:  ## install what is missing, build in every way we check, and run every test
	@tools/check.sh

docs: all  ## write again what documentation takes from the program: tables and shown output
	@tools/pages.sh $(BUILD)

fuzz:  ## run every fuzz target for FUZZ_SECONDS (60) under ASan and UBSan
	@tools/deps.sh check
	@tools/fuzz.sh $(FUZZ_SECONDS)

soak:  ## run the worker under random requests and faults for SOAK_SECONDS (360) of CPU time each: ASan, TSan, stub, engine
	@tools/deps.sh check
	@tools/soak.sh $(SOAK_SECONDS)

bench:  ## install what is missing and run the benchmarks
	@tools/deps.sh bench
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) bench/run.sh

install: all  ## install below PREFIX (/usr/local), staged in DESTDIR when that is set
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD)

clean:  ## remove every build folder
	rm -rf $(BUILD) build-check build-check-gcc build-check-clang build-check-threads

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-9s %s\n", $$1, $$2 }'
