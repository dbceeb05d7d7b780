#!/bin/sh
# Builds U-Boot for QEMU's PC from Debian's source, as boards have it that keep an environment: Debian's own builds for this
# machine save none. The environment is on the first MMC device, as `[u_boot]` has it by default and `drydock-bundle disk`
# lays it out.
#
#   tools/u-boot.sh OUT
#
# OUT/redundant/u-boot.rom and OUT/plain/u-boot.rom are kept, with the environment that is built in beside them
# (u-boot-initial-env): only another version of this file makes new ones. The packages that it needs are in tools/setup.sh.
set -eu

mkdir -p "$1"
out=$(readlink -f "$1")
stamp=$(sha256sum < "$0")
[ "$(cat "$out/stamp" 2> /dev/null)" != "$stamp" ] || exit 0
rm -rf "$out"
mkdir -p "$out/apt/sources.d" "$out/apt/lists/partial" "$out/apt/archives/partial" "$out/source" "$out/packaging"

# Debian's sources are where its packages are; the system's own lists stay as they are.
for list in /etc/apt/sources.list.d/*.sources; do
    if grep -qs debian-archive-keyring "$list"; then
        sed 's/^Types:.*/Types: deb-src/' "$list" > "$out/apt/sources.d/$(basename "$list")"
    fi
done
sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > "$out/apt/sources.list" 2> /dev/null || true
cat > "$out/apt/apt.conf" << END
Dir::State::Lists "$out/apt/lists";
Dir::Cache::Archives "$out/apt/archives";
Dir::Etc::SourceList "$out/apt/sources.list";
Dir::Etc::SourceParts "$out/apt/sources.d";
APT::Sandbox::User "";
END
export APT_CONFIG="$out/apt/apt.conf"
apt-get -qq update
(cd "$out" && apt-get -qq source --download-only u-boot)
tar -C "$out/source" --strip-components=1 -xf "$out"/u-boot_*.orig.tar.*
tar -C "$out/packaging" -xf "$out"/u-boot_*.debian.tar.*
while read -r patch; do
    patch -s -d "$out/source" -p1 < "$out/packaging/debian/patches/$patch"
done < "$out/packaging/debian/patches/series"
# A division of 64 bits on a processor of 32, for which there is no function here.
sed -i 's|le64_to_cpu(start) / ctxt.cur_dev->blksz;|lldiv(le64_to_cpu(start), ctxt.cur_dev->blksz);|' \
    "$out/source/fs/squashfs/sqfs.c"

for kind in redundant plain; do
    build="$out/build-$kind"
    u_boot() {
        nice make -s -C "$out/source" O="$build" CROSS_COMPILE=i686-linux-gnu- BUILD_ROM=y -j"$(nproc)" "$@"
    }
    u_boot qemu-x86_defconfig
    cat >> "$build/.config" << 'END'
CONFIG_MMC=y
CONFIG_DM_MMC=y
CONFIG_MMC_SDHCI=y
CONFIG_MMC_SDHCI_SDMA=y
CONFIG_MMC_PCI=y
CONFIG_CMD_MMC=y
# CONFIG_ENV_IS_NOWHERE is not set
CONFIG_ENV_IS_IN_MMC=y
CONFIG_ENV_SIZE=0x4000
CONFIG_ENV_OFFSET=0x100000
CONFIG_CRC32_VERIFY=y
CONFIG_FS_SQUASHFS=y
CONFIG_CMD_SQUASHFS=y
CONFIG_CMD_FAT=y
CONFIG_CMD_FS_GENERIC=y
CONFIG_CMD_ZBOOT=y
CONFIG_LEGACY_IMAGE_FORMAT=y
CONFIG_BOOTDELAY=-2
CONFIG_USE_BOOTCOMMAND=y
CONFIG_BOOTCOMMAND="load mmc 0:2 ${scriptaddr} boot.scr; source ${scriptaddr}; reset"
# CONFIG_DISTRO_DEFAULTS is not set
# CONFIG_EFI_LOADER is not set
# CONFIG_USE_BOOTARGS is not set
# CONFIG_VIDEO is not set
END
    if [ $kind = redundant ]; then
        cat >> "$build/.config" << 'END'
CONFIG_SYS_REDUNDAND_ENVIRONMENT=y
CONFIG_ENV_OFFSET_REDUND=0x110000
END
    fi
    # Kernels unpack themselves to where the address in U-Boot's own environment for QEMU lies.
    sed -i 's/ramdisk_addr_r=0x[0-9a-f]*/ramdisk_addr_r=0xc000000/' "$out/source/include/configs/x86-common.h"
    yes "" 2> /dev/null | u_boot oldconfig > /dev/null
    u_boot
    u_boot u-boot-initial-env
    mkdir "$out/$kind"
    mv "$build/u-boot.rom" "$build/u-boot-initial-env" "$out/$kind"
    rm -rf "$build"
done
rm -rf "$out/source" "$out/packaging" "$out/apt"
echo "$stamp" > "$out/stamp"
