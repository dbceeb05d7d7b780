#!/bin/sh
# Installs what the build, the tests and the demo need from Debian 12, if anything is missing. Run by make.
set -eu

# The build: C compiler and headers (zstd, devicemapper's bindings).
build="gcc libc6-dev make pkg-config libclang-dev libdevmapper-dev"
# Images and disks.
images="debootstrap debian-archive-keyring squashfs-tools erofs-utils e2fsprogs dosfstools exfatprogs mtools gdisk xorriso zstd cpio kmod
    xz-utils grub-common grub-pc-bin grub-efi-amd64-bin"
# What the tests run drydock in, and hold it against.
tests="busybox-static qemu-system-x86 qemu-utils ovmf cryptsetup-bin openssl jq nginx-light softhsm2 opensc time bmap-tools
    lz4 iproute2 dnsmasq-base radvd socat curl sqlite3 openssh-client lrzsz chromium acl attr libcap2-bin
    sbsigntool systemd-boot-efi efibootguard"

# U-Boot, which tools/u-boot.sh builds for the tests; mkimage is what drydock's images for it are held against.
u_boot="bc bison flex gcc-i686-linux-gnu libgnutls28-dev libssl-dev patch python3-dev python3-pyelftools python3-setuptools swig
    u-boot-tools uuid-dev"

missing=
for package in $build $images $tests $u_boot; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "setup: these packages are missing; run as root, or install them:$missing" >&2
        exit 1
    fi
    echo "setup: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    # shellcheck disable=SC2086 # a list of words
    apt-get -q -y --no-install-recommends install $missing
fi

for tool in cargo rustfmt cargo-clippy; do
    command -v $tool > /dev/null || {
        echo "setup: $tool is missing; install Rust 1.95 or newer with rustfmt and clippy (https://rustup.rs)" >&2
        exit 1
    }
done
