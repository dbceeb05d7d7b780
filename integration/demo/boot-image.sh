#!/bin/bash
# A boot slot's image: kernel, initramfs and their checksums for GRUB and for U-Boot, in a squashfs that both read without
# unpacking.
#
#   integration/demo/boot-image.sh VMLINUZ INITRAMFS IMAGE
#
# The same input gives the same bytes.
set -euo pipefail

work=$(mktemp -d "$3.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/boot"
install -m 644 "$1" "$work/boot/vmlinuz"
install -m 644 "$2" "$work/boot/initramfs.cpio.zst"
# The CRC-32 stands in the last eight bytes of what gzip makes (RFC 1952, section 2.3.1).
for file in vmlinuz initramfs.cpio.zst; do
    sum=$(gzip -1 < "$work/boot/$file" | tail -c 8 | od -An -N4 --endian=little -tx4 | tr -d ' ')
    echo "$sum  $file" >> "$work/boot/crc32sums"
    # U-Boot can read a list of variables, but none of files.
    echo "ddc_${file%%.*}=$sum" >> "$work/boot/crc32.env"
done
env -u SOURCE_DATE_EPOCH mksquashfs "$work/boot" "$work/image" -noI -noD -noF -noX -no-xattrs -all-root \
    -mkfs-time 1700000000 -all-time 1700000000 -no-progress -quiet > /dev/null
mv "$work/image" "$3"
