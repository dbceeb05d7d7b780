#!/bin/bash
# Four real Debian 12 systems as EROFS images that can be updated one from the other.
#
#   tools/debian-images.sh OUT
#
# OUT/v1.erofs has the base suite alone; v15 the current updates and security updates on top, but the old kernel; v2 the new
# kernel, too; v3 is v2 with nginx. They are as large as real systems are: documentation and all modules are left in. Same
# trees give same images. The archive is the one that this machine's own apt uses. Images are kept: only a change of this
# script or an empty OUT makes new ones. Needs root, for debootstrap and chroot, and 4 GB of disk.
set -euo pipefail

out=$1
epoch=1700000000
uuid=6b7c1d2e-0000-4000-8000-000000000001
kernel=linux-image-cloud-$(dpkg --print-architecture)
packages="systemd systemd-sysv systemd-resolved systemd-timesyncd dbus udev kmod openssh-server python3-minimal python3
    $kernel iproute2 nftables curl ca-certificates openssl sudo less nano rsync sqlite3 gnupg network-manager wpasupplicant
    podman tcpdump cryptsetup-bin e2fsprogs"
versions="v1 v15 v2 v3"

stamp=$(sha256sum < "$0")
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
rm -rf "$out"
mkdir -p "$out/roots"
log=$out/log
export LC_ALL=C DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$epoch

trap '[ $? = 0 ] || { tail -n 20 "$log"; echo "debian-images.sh: making the images failed; the whole log is $log" >&2; }' EXIT

# Prints the URL from which this machine's apt takes the suite.
site() {
    local url
    url=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $1" | sort -u | head -n 1)
    [ -n "$url" ] || { echo "debian-images.sh: this machine's apt sources have no $1; add it and run again" >&2; exit 1; }
    echo "$url"
}

# Runs a command inside a tree, with /proc in a mount namespace that ends with it.
inside() {
    local tree=$1
    shift
    unshare --mount --fork chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$epoch \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        sh -c 'mount -t proc proc /proc && exec "$@"' sh "$@" >> "$log" 2>&1
}

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

base=$(site bookworm)
updates=$(site bookworm-updates)
security=$(site bookworm-security)
root=$out/roots/v1

echo "debian-images.sh: v1 (debootstrap of the base suite)"
debootstrap --variant=minbase bookworm "$root" "$base" > "$log" 2>&1
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
rm -f "$root/etc/resolv.conf"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
echo "deb $base bookworm main" > "$root/etc/apt/sources.list"
get "$root" update
# shellcheck disable=SC2086 # a list of words
get "$root" install $packages
rm -f "$root/etc/resolv.conf"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"

begin v1 v15
root=$out/roots/v15
{
    echo "deb $base bookworm main"
    echo "deb $updates bookworm-updates main"
    echo "deb $security bookworm-security main"
} > "$root/etc/apt/sources.list"
get "$root" update
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
echo "$stamp" > "$out/stamp"
