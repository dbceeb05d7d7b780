#!/bin/sh
# Builds the static device binary and the host tools (in the profile of the tests, whose hot crates are
# optimised), and prints what the former weighs.
#
#   tools/build.sh [--target ARCHITECTURE] [--quiet | --check]
#
# The architecture is that of the device: x86_64 (the default) or aarch64, for which Rust's standard library for the target,
# a C compiler and, in CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER, its name are needed.
# --check fails if the device binary is not static or larger than it may be; the tests do the same.
#
# Device binary: $CARGO_TARGET_DIR/ARCHITECTURE-unknown-linux-gnu/release/drydock (default target/...)
# Host tools:    $CARGO_TARGET_DIR/debug/drydock-bundle, drydock-initramfs
# For tests:     beside the device binary test-init (init of the small images) and defective (a process 1 that panics)
set -eu
cd "$(dirname "$0")/.."
architecture=x86_64
if [ "${1:-}" = --target ]; then
    architecture=${2:-}
    shift 2
fi
case $architecture in
    x86_64 | aarch64) ;;
    *) echo "build: no architecture is called '$architecture'; known are x86_64, aarch64" >&2; exit 2 ;;
esac
# Rust's name for it: `Architecture::target` has the same.
target=$architecture-unknown-linux-gnu
binary=${CARGO_TARGET_DIR:-target}/$target/release/drydock
limit=1650000
quiet=
[ "${1:-}" != --quiet ] || quiet=--quiet

# What makes the device binary small: equal functions are folded, relocations packed, unwinding tables left out,
# and signatures, of which there are a handful a boot, are checked without vector code. recovery/src/sys/lean.rs does
# the rest.
flags="-C target-feature=+crt-static -C force-unwind-tables=no --cfg curve25519_dalek_backend=\"serial\""
for option in --icf=all -z,pack-relative-relocs --no-eh-frame-hdr "-T,$PWD/tools/device.ld"; do
    flags="$flags -C link-arg=-Wl,$option"
done
# Of zstd's two sequence decoders only the one for windows up to 16 MiB: a frame of a bundle has at most 8 MiB.
cflags=-DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT
# With --target the flags reach the device's code only, not build scripts and procedural macros.
device() {
    name=$(echo "$target" | tr - _)
    env "CFLAGS_$name=$cflags" "CARGO_TARGET_$(echo "$name" | tr '[:lower:]' '[:upper:]')_RUSTFLAGS=$flags" \
        cargo build $quiet --locked --release --target $target "$@"
}
# Each on its own, so that no feature of the others reaches the device binary.
device -p drydock-recovery
device -p drydock-qemu-tests --bin test-init --bin defective
cargo build $quiet --locked -p drydock-bundle -p drydock-initramfs

size=$(stat -c %s "$binary")
[ "$quiet" ] || echo "device binary: $size bytes (limit $limit): $binary"
[ "${1:-}" = --check ] || exit 0
if [ "$size" -gt $limit ]; then
    echo "build: $binary has $size bytes, more than $limit" >&2
    exit 1
fi
if readelf -lW "$binary" | grep -q INTERP; then
    echo "build: $binary is not static" >&2
    exit 1
fi
