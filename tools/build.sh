#!/bin/sh
# Builds the static device binary and the host tools (in the profile of the tests, whose hot crates are
# optimised), and prints what the former weighs.
#
#   tools/build.sh [--target ARCHITECTURE] [--network | --fleet | --field] [--quiet | --check]
#
# The architecture is that of the device: x86_64 (the default) or aarch64, for which `make setup-arm64` installs what is needed.
# --network, --fleet and --field build the device binary with the feature of this name (the latter two have the first in it), to another
# place: it may be larger.
# --check fails if the device binary is not static or larger than it may be; the tests do the same.
#
# Device binary: $CARGO_TARGET_DIR/ARCHITECTURE-unknown-linux-gnu/release/drydock (default target/...)
#                with --network: $CARGO_TARGET_DIR/network/ARCHITECTURE-unknown-linux-gnu/release/drydock
#                with --fleet:   $CARGO_TARGET_DIR/fleet/ARCHITECTURE-unknown-linux-gnu/release/drydock
#                with --field:   $CARGO_TARGET_DIR/field/ARCHITECTURE-unknown-linux-gnu/release/drydock
# Host tools:    $CARGO_TARGET_DIR/debug/drydock-bundle, drydock-fleet, drydock-initramfs
# For tests:     beside the device binary test-init (init of the small images) and defective (a process 1 that panics)
set -eu
cd "$(dirname "$0")/.."
architecture=x86_64
if [ "${1:-}" = --target ]; then
    architecture=${2:-}
    shift 2
fi
feature=
case ${1:-} in
    --network | --fleet | --field)
        feature=${1#--}
        shift
        ;;
esac
case $architecture in
    x86_64 | aarch64) ;;
    *) echo "build: no architecture is called '$architecture'; known are x86_64, aarch64" >&2; exit 2 ;;
esac
# Rust's name for it: `Architecture::target` has the same.
target=$architecture-unknown-linux-gnu
binary=${CARGO_TARGET_DIR:-target}/$target/release/drydock
limit=1615000
if [ "$feature" ]; then
    binary=${CARGO_TARGET_DIR:-target}/$feature/$target/release/drydock
    case $feature in
        network) limit=2760000 ;;
        fleet) limit=3015000 ;;
        field) limit=3267000 ;;
    esac
fi
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
# Of its two Huffman decoders the one that gives a byte at a time: it is no slower here (1054 to 1537 MB/s against 1063 to 1504,
# of frames at level 19), and takes 33 KB less.
cflags="-DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -DHUF_FORCE_DECOMPRESS_X1"
# With --target the flags reach the device's code only, not build scripts and procedural macros. A subshell, as the host's tools
# are not built with what another processor needs.
device() (
    if [ $architecture != x86_64 ]; then
        # shellcheck source=tools/cross.sh
        . tools/cross.sh
        for option in $lld; do
            flags="$flags -C link-arg=$option"
        done
    fi
    name=$(echo "$target" | tr - _)
    env "CFLAGS_$name=$cflags" "CARGO_TARGET_$(echo "$name" | tr '[:lower:]' '[:upper:]')_RUSTFLAGS=$flags" \
        cargo build $quiet --locked --release --target $target "$@"
)
# Time is never earlier than this, for a device whose clock has no battery: the newest commit's, so that the same sources make
# the same binary.
DRYDOCK_BUILD_TIME=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export DRYDOCK_BUILD_TIME
# Each on its own, so that no feature of the others reaches the device binary.
if [ "$feature" ]; then
    device -p drydock-recovery --features "$feature" --target-dir "${CARGO_TARGET_DIR:-target}/$feature"
else
    device -p drydock-recovery
fi
device -p drydock-qemu-tests --bin test-init --bin defective
cargo build $quiet --locked -p drydock-bundle -p drydock-fleet -p drydock-initramfs

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
