#!/bin/sh
# Runs the unit tests of all crates for another processor, under QEMU's emulation of programs: where a size of a word, an
# alignment or an order of bytes is taken for granted, they fail. What boots guests and what drives other programs is left to
# `make test` and `make test-arm64`.
#
#   tools/test-foreign.sh [aarch64 | armv7] [ARGUMENT...]
#
# Arguments are cargo test's, in place of --workspace: `tools/test-foreign.sh armv7 -p drydock-luks`.
set -eu
cd "$(dirname "$0")/.."
architecture=${1:-aarch64}
[ $# = 0 ] || shift
case $architecture in
    aarch64) target=aarch64-unknown-linux-gnu ;;
    armv7) target=armv7-unknown-linux-gnueabihf ;;
    *) echo "test-foreign: no architecture is called '$architecture'; known are aarch64, armv7" >&2; exit 2 ;;
esac
# shellcheck source=tools/cross.sh
. tools/cross.sh
# Static, as on a device: the emulator then needs no libraries of the target.
export "${variable}_RUSTFLAGS=-C target-feature=+crt-static"
[ $# != 0 ] || set -- --workspace
# The emulator of Debian 12 knows no openat2(2), which this one needs: a real kernel answers it in `make test-arm64`, at each start
# of a set.
exec cargo test --locked --no-fail-fast --target "$target" --lib --bins "$@" -- \
    --skip mount::tests::a_program_is_looked_up_inside_of_the_new_root
