#!/bin/sh
# Installs what is needed to build for another processor than this machine's, and to test there. Run by make, after setup.sh.
#
#   tools/setup-foreign.sh arm64    # C compiler, emulators, EFI firmware, GRUB and Rust's standard library
#   tools/setup-foreign.sh armhf    # the same for 32 bits, without what boots: nothing but unit tests runs there
#
# The standard library comes from rustup. Where there is no rustup, or it can't get it, Debian's Rust takes its place
# (tools/foreign-rust.sh). GRUB's modules go to $CARGO_TARGET_DIR/foreign/arm64/root (default target/...): Debian has them for
# machines of that kind only.
set -eu
cd "$(dirname "$0")/.."

# Installs those of these packages that are missing.
install() {
    missing=
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing="$missing $package"
    done
    [ "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "setup-foreign: these packages are missing; run as root, or install them:$missing" >&2
        exit 1
    fi
    echo "setup-foreign: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    # shellcheck disable=SC2086 # a list of words
    apt-get -q -y --no-install-recommends install $missing
}

# Gets the standard library for a target: `library DEBIAN RUST`.
library() {
    ! [ -d "$(rustc --print sysroot)/lib/rustlib/$2" ] || return 0
    ! [ -d "${CARGO_TARGET_DIR:-target}/foreign-rust/$2/root/usr/lib/rustlib/$2" ] || return 0
    rustup target add "$2" || {
        echo "setup-foreign: rustup has no standard library for $2; taking Debian's"
        install lld
        tools/foreign-rust.sh "$1" "$2"
    }
}

case ${1:-} in
    arm64)
        install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static qemu-system-arm qemu-efi-aarch64
        library arm64 aarch64-unknown-linux-gnu
        folder=${CARGO_TARGET_DIR:-target}/foreign/arm64
        if ! [ -d "$folder/root/usr/lib/grub" ]; then
            APT_CONFIG=$(tools/foreign-apt.sh arm64)
            export APT_CONFIG
            mkdir -p "$folder/root"
            (cd "$folder" && apt-get -q download grub-efi-arm64-bin && dpkg-deb -x grub-efi-arm64-bin_*.deb root &&
                rm grub-efi-arm64-bin_*.deb)
        fi
        ;;
    armhf)
        install gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user-static
        library armhf armv7-unknown-linux-gnueabihf
        ;;
    *) echo "usage: setup-foreign.sh arm64 | armhf" >&2; exit 2 ;;
esac
