#!/bin/sh
# Builds Debian's Linux 6.1 with tinyconfig and kernel-config/recovery.config, for `make test-kernel`.
#
#   tools/build-kernel.sh OUT
#
# OUT/vmlinuz and OUT/config are kept: only another fragment, or another version of the source, makes new ones. OUT/build
# stays too, so that a new fragment compiles only what it changes. Fails if the kernel's own rules drop a line of the
# fragment. Needs root if a package is missing.
set -eu
fragment=$(readlink -f "$(dirname "$0")/../kernel-config/recovery.config")
packages="linux-source-6.1 flex bison bc libelf-dev libssl-dev"

missing=
for package in $packages; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "build-kernel: installing$missing"
    apt-get -q update
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing
fi

mkdir -p "$1"
out=$(readlink -f "$1")
version=$(dpkg-query -W -f '${Version}' linux-source-6.1)
stamp="$version $(sha256sum < "$fragment") $(sha256sum < "$0")"
[ "$(cat "$out/stamp" 2> /dev/null)" != "$stamp" ] || exit 0
rm -f "$out/stamp"

if [ "$(cat "$out/source" 2> /dev/null)" != "$version" ]; then
    rm -rf "$out/linux-source-6.1" "$out/build" "$out/source"
    tar -C "$out" -xf /usr/src/linux-source-6.1.tar.xz
    echo "$version" > "$out/source"
fi
kernel() {
    nice make -s -C "$out/linux-source-6.1" O="$out/build" -j"$(nproc)" "$@"
}
mkdir -p "$out/build"
kernel tinyconfig
(cd "$out/linux-source-6.1" && scripts/kconfig/merge_config.sh -m -O "$out/build" "$out/build/.config" "$fragment")
kernel olddefconfig
grep -E '^(CONFIG_|# CONFIG_.* is not set)' "$fragment" | while read -r line; do
    name=${line#\# }
    name=${name%%[= ]*}
    case $line in
        # An option that depends on one that is off is not mentioned at all.
        \#*) ! grep -q "^$name=" "$out/build/.config" ;;
        *) grep -qxF "$line" "$out/build/.config" ;;
    esac || { echo "build-kernel: the kernel's rules drop the fragment's line $line" >&2; exit 1; }
done
kernel bzImage
cp "$out/build/arch/x86/boot/bzImage" "$out/vmlinuz"
cp "$out/build/.config" "$out/config"
echo "$stamp" > "$out/stamp"
