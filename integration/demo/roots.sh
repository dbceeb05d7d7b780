#!/bin/bash
# Two real Debian 12 root trees, and a kernel for each.
#
#   integration/demo/roots.sh OUT
#
# OUT/v1 comes from the base suite alone, OUT/v2 is v1 with the current updates and security updates on top, so
# the packages that differ are those that differ for everybody today. In each: root/ (the tree, nothing of the
# build host left in it), kernel/ (the unpacked kernel package), packages (name and version, one a line).
# The archive is the one that this machine's own apt uses. Trees are kept: only a change of this script or an
# empty OUT makes new ones. Needs root, for debootstrap and chroot.
set -euo pipefail

out=$1
epoch=1700000000
include=systemd,systemd-sysv,udev,kmod,openssl,ca-certificates,tzdata,iproute2,less
kernel=linux-image-cloud-$(dpkg --print-architecture)
# Modules of the running system, by path below kernel/; the initramfs brings what the boot needs.
live_modules='fs/(autofs|exfat|fat|fuse|nls|overlayfs)/|drivers/net/(virtio_net|net_failover)|net/core/failover|hw_random/virtio'

stamp=$(sha256sum < "$0")
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
rm -rf "$out"
mkdir -p "$out"
log=$out/log
export LC_ALL=C DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$epoch

trap '[ $? = 0 ] || { tail -n 20 "$log"; echo "roots.sh: building the root trees failed; the whole log is $log" >&2; }' EXIT

# Prints the URL from which this machine's apt takes the suite.
site() {
    local url
    url=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $1" | sort -u | head -n 1)
    [ -n "$url" ] || { echo "roots.sh: this machine's apt sources have no $1; add it and run again" >&2; exit 1; }
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

# Unpacks the newest kernel that the tree's sources have: kernel.deb's files and modules.dep.
fetch_kernel() {
    local dir=$1 package
    package=$(chroot "$dir/root" apt-cache depends "$kernel" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    rm -rf "$dir/root/fetch"
    mkdir "$dir/root/fetch"
    inside "$dir/root" sh -c "cd /fetch && apt-get -o APT::Sandbox::User=root download $package"
    mkdir "$dir/kernel"
    dpkg -x "$dir"/root/fetch/*.deb "$dir/kernel"
    rm -rf "$dir/root/fetch"
    ls "$dir/kernel/lib/modules" > "$dir/kernel-release"
    depmod -b "$dir/kernel" "$(cat "$dir/kernel-release")"
}

# Takes out what only the build host put there, what no device needs, and everything that differs from one
# build to the next; leaves the package database on the read-only side.
finish() {
    local dir=$1 root=$1/root release module
    release=$(cat "$dir/kernel-release")
    chroot "$root" dpkg-query -W -f '${Package} ${Version}\n' > "$dir/packages"
    echo "$kernel $release" >> "$dir/packages"

    (cd "$dir/kernel/lib/modules/$release" && find kernel -name '*.ko' | grep -E "$live_modules" || true) |
        while read -r module; do
            install -D -m 644 "$dir/kernel/lib/modules/$release/$module" "$root/usr/lib/modules/$release/$module"
        done
    cp "$dir/kernel/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/usr/lib/modules/$release/"
    depmod -b "$root" "$release"

    rm -rf "$root"/usr/share/{doc,man,info,locale,lintian,bug} "$root"/usr/lib/udev/hwdb.{d,bin}
    mkdir -p "$root/usr/lib/sysimage"
    mv "$root/var/lib/dpkg" "$root/usr/lib/sysimage/dpkg"
    rm -rf "$root"/usr/lib/sysimage/dpkg/*-old "$root/usr/sbin/policy-rc.d"
    rm -rf "$root"/{var,dev,run,proc,sys,tmp,boot} "$root"/{vmlinuz,initrd.img}*
    mkdir "$root"/{var,dev,run,proc,sys,boot}
    mkdir -m 1777 "$root/tmp"
    rm -f "$root"/etc/{fstab,hostname,resolv.conf,.pwd.lock,machine-id} "$root"/etc/{passwd,group,shadow,gshadow,subuid,subgid}-
    : > "$root/etc/machine-id"
    echo drydock > "$root/etc/hostname"
    ln -s /run/resolv.conf "$root/etc/resolv.conf"
    sed -i "s/^\([^:]*:[^:]*\):[0-9]*:/\1:$((epoch / 86400)):/" "$root/etc/shadow"
}

base=$(site bookworm)
updates=$(site bookworm-updates)
security=$(site bookworm-security)

echo "roots.sh: debootstrap of the base suite"
mkdir "$out/v1" "$out/v2"
debootstrap --variant=minbase --include="$include" bookworm "$out/v1/root" "$base" > "$log" 2>&1
printf '#!/bin/sh\nexit 101\n' > "$out/v1/root/usr/sbin/policy-rc.d"
chmod 755 "$out/v1/root/usr/sbin/policy-rc.d"
rm -f "$out/v1/root/etc/resolv.conf"
cp -L /etc/resolv.conf "$out/v1/root/etc/resolv.conf"
echo "deb $base bookworm main" > "$out/v1/root/etc/apt/sources.list"
inside "$out/v1/root" apt-get update

echo "roots.sh: the same with the current updates"
cp -a "$out/v1/root" "$out/v2/root"
{
    echo "deb $base bookworm main"
    echo "deb $updates bookworm-updates main"
    echo "deb $security bookworm-security main"
} > "$out/v2/root/etc/apt/sources.list"
inside "$out/v2/root" apt-get update
inside "$out/v2/root" apt-get -y --no-install-recommends -o APT::Sandbox::User=root dist-upgrade

for version in v1 v2; do
    fetch_kernel "$out/$version"
    finish "$out/$version"
done
echo "$stamp" > "$out/stamp"
echo "roots.sh: packages that differ:"
diff --side-by-side --suppress-common-lines --width 90 "$out/v1/packages" "$out/v2/packages" || true
