# Everything here runs on a fresh Debian 12 machine, as root, with Rust installed.

.PHONY: all setup setup-arm64 build demo demo-arm64 fleet-demo test test-arm64 test-armhf test-hawkbit test-kernel cuts bench bench-delta bench-fleet clean

all: build

# Installs what is missing from Debian.
setup:
	tools/setup.sh

# The same for arm64 on a machine of another kind: a C compiler, QEMU, EFI firmware, GRUB, Rust's standard library.
setup-arm64: setup
	tools/setup-foreign.sh arm64

# The static device binary and the host tools, with their sizes.
build: setup
	tools/build.sh --check

# One update of a real Debian system in QEMU, from a flashable disk image to the new system marked good.
# What it made stays in target/demo/.
demo: setup
	cargo run --quiet --locked -p drydock-qemu-tests --bin demo

# One update of the tests' small system on an emulated arm64. What it made stays in target/foreign-demo/.
demo-arm64: setup-arm64
	cargo run --quiet --locked -p drydock-qemu-tests --example foreign-demo -- aarch64

# A release for a fleet of two in QEMU, by a hawkBit server (a real one where HAWKBIT_JAR names its jar, else the tests' double of it)
# and then by a channel: one device is good, the other one rolls back and says why. What it made stays in target/fleet-demo/.
fleet-demo: setup
	cargo run --quiet --locked -p drydock-qemu-tests --example fleet-demo

# Formatting, lints, and every test.
test: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p drydock-peers -p drydock-agents --all-targets --features network --locked -- -D warnings
	cargo clippy -p drydock-recovery --locked -- -D warnings
	cargo clippy -p drydock-recovery --features network --locked -- -D warnings
	cargo clippy -p drydock-recovery --all-targets --features fleet --locked -- -D warnings
	cargo clippy -p drydock-recovery --features service --locked -- -D warnings
	cargo clippy -p drydock-recovery --features hooks --locked -- -D warnings
	cargo clippy -p drydock-recovery --all-targets --features fleet,field --locked -- -D warnings
	cargo test --workspace --locked --no-fail-fast
	cargo test -p drydock-peers --features network --locked --no-fail-fast
	cargo test -p drydock-recovery --features fleet,field --locked --no-fail-fast

# Builds a kernel with nothing but what kernel-config/recovery.config asks for, and updates the tests' small system with it.
test-kernel: setup
	tools/build-kernel.sh target/test-kernel
	cargo test --locked -p drydock-qemu-tests --test kernel

# The device binaries for arm64 and their sizes, the unit tests of all crates as programs for arm64, and the small system on an
# emulated arm64 with EFI firmware: an update, the way back, a factory reset.
test-arm64: setup-arm64
	tools/build.sh --target aarch64 --check
	tools/build.sh --target aarch64 --network --check
	tools/build.sh --target aarch64 --fleet --check
	tools/build.sh --target aarch64 --field --check
	tools/test-foreign.sh aarch64
	cargo test --locked -p drydock-qemu-tests --test arm64

# The unit tests of all crates as programs for 32 bits (ARM's hard-float ABI).
test-armhf: setup
	tools/setup-foreign.sh armhf
	tools/test-foreign.sh armv7

# What hawkBit answers, row by row, what agents make of it, and what drydock-fleet does with it: of a real one (a jar of its update server, version 1.0.4, and Java 17) where HAWKBIT_JAR
# names one, else of our double. It says at the end which of the two it was.
test-hawkbit: setup
	cargo test --locked -p drydock-hawkbit --test suite
	cargo test --locked -p drydock-agents --test hawkbit flows -- --test-threads=1
	cargo test --locked -p drydock-fleet
	@if [ -n "$$HAWKBIT_JAR" ]; then echo "these tests ran against a real hawkBit: $$HAWKBIT_JAR"; \
	else echo "these tests ran against our double of hawkBit, and not a real one: HAWKBIT_JAR names none"; fi

# Cuts the power: of simulated devices at every write and flush of every operation, and of recorded ones in QEMU.
cuts: setup
	cargo run --quiet --locked -p drydock-cuts

# drydock's full install beside `zstd -dc | dd`, and SWUpdate and RAUC if they are installed (swupdate, rauc, dbus), and beside
# the least that this machine could take for it.
bench: setup
	cargo run --quiet --locked --release -p drydock-simulator --bin bench

# What an update from one image to another costs with drydock's deltas, fetched from nginx and installed, and with others'
# tools, which are installed: between four real Debian systems, or `make bench-delta IMAGES="OLD NEW"`.
bench-delta: setup
	tools/bench-delta.sh $(IMAGES)

# What a server has to bear from a fleet: agents against the double of hawkBit, and against a real one with `HAWKBIT_JAR=/path`; and a
# million clients in a model.
bench-fleet: setup
	cargo run --quiet --locked --release -p drydock-agents --features network --bin bench-fleet

clean:
	rm -rf target/demo target/fleet-demo target/foreign-demo target/foreign target/foreign-rust target/demo-roots target/small-systems target/test-kernel
	cargo clean
