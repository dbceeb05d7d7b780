#!/bin/bash
# A boot slot's image: kernel, initramfs and their hashes for GRUB, in a squashfs that GRUB reads without unpacking.
#
#   demo/boot-image.sh VMLINUZ INITRAMFS IMAGE
#
# The same input gives the same bytes.
set -euo pipefail

work=$(mktemp -d "$3.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/boot"
install -m 644 "$1" "$work/boot/vmlinuz"
install -m 644 "$2" "$work/boot/initramfs.cpio.zst"
(cd "$work/boot" && sha256sum vmlinuz initramfs.cpio.zst > sha256sums)
env -u SOURCE_DATE_EPOCH mksquashfs "$work/boot" "$work/image" -noI -noD -noF -noX -no-xattrs -all-root \
    -mkfs-time 1700000000 -all-time 1700000000 -no-progress -quiet > /dev/null
mv "$work/image" "$3"
