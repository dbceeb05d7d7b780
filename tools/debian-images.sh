#!/bin/bash
# Four real Debian 12 systems as EROFS images that can be updated one from the other.
#
#   tools/debian-images.sh OUT
#
# OUT/v1.erofs has the base suite alone; v15 the current updates and security updates on top, but the old kernel; v2 the new
# kernel, too; v3 is v2 with nginx. They are as large as real systems are: documentation and all modules are left in. Same
# trees give same images. Images are kept: only a change of this script or of debian-trees.sh or an empty OUT makes new ones.
# Needs root, and 4 GB of disk.
set -euo pipefail

out=$1
# shellcheck source=tools/debian-trees.sh
. "$(dirname "$0")/debian-trees.sh"
uuid=6b7c1d2e-0000-4000-8000-000000000001
packages="systemd systemd-sysv systemd-resolved systemd-timesyncd dbus udev kmod openssh-server python3-minimal python3
    $kernel iproute2 nftables curl ca-certificates openssl sudo less nano rsync sqlite3 gnupg network-manager wpasupplicant
    podman tcpdump cryptsetup-bin e2fsprogs"
versions="v1 v15 v2 v3"

# apt-get inside a tree, without questions.
get() {
    local tree=$1
    shift
    inside "$tree" apt-get -y --no-install-recommends -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confnew "$@"
}

# Begins a version where another one is.
begin() {
    echo "debian-images.sh: $2"
    cp -a "$out/roots/$1" "$out/roots/$2"
}

# The packages of a tree's kernels.
kernels() {
    (cd "$out/roots/$1/var/lib/dpkg/info" && printf '%s\n' linux-image-[0-9]*.list | sed 's/\.list$//' | sort -V)
}

# Takes out what only the build host put there, and what differs from one build to the next.
finish() {
    local root=$1
    echo "deb $base bookworm main" > "$root/etc/apt/sources.list"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
        "$root/var/cache/ldconfig/aux-cache" "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/log/* \
        "$root"/var/backups/* "$root"/etc/ssh/ssh_host_* "$root"/boot/initrd.img-* "$root"/initrd.img* \
        "$root/usr/sbin/policy-rc.d" "$root"/{dev,tmp,run} "$root/var/lib/dbus/machine-id" "$root/etc/resolv.conf"
    mkdir "$root"/{dev,run}
    mkdir -m 1777 "$root/tmp"
    : > "$root/etc/machine-id"
    ln -s /run/resolv.conf "$root/etc/resolv.conf"
}

begin_trees
mkdir "$out/roots"
root=$out/roots/v1
echo "debian-images.sh: v1 (debootstrap of the base suite)"
bootstrap "$root"
# shellcheck disable=SC2086 # a list of words
get "$root" install $packages
# systemd-resolved has put its own there.
lend_resolver "$root"

begin v1 v15
root=$out/roots/v15
know_updates "$root"
# shellcheck disable=SC2046 # a list of words
inside "$root" apt-mark hold $(kernels v15) "$kernel"
get "$root" dist-upgrade
# shellcheck disable=SC2046 # a list of words
inside "$root" apt-mark unhold $(kernels v15) "$kernel"

begin v15 v2
root=$out/roots/v2
get "$root" dist-upgrade
# Only the newest kernel, as in an image that is built from nothing.
for old in $(kernels v2 | head -n -1); do
    get "$root" purge "$old"
done
get "$root" autoremove --purge

begin v2 v3
get "$out/roots/v3" install nginx-light

for version in $versions; do
    root=$out/roots/$version
    chroot "$root" dpkg-query -W -f '${Package} ${Version}\n' > "$out/$version.packages"
    finish "$root"
    find "$root" -exec touch -h -d "@$epoch" {} +
    mkfs.erofs -d0 -T$epoch -U$uuid -Enoinline_data "$out/$version.erofs" "$root" >> "$log"
done
rm -rf "$out/roots"
end_trees
