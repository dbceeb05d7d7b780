#!/bin/bash
# Two real Debian 12 root trees, and a kernel for each.
#
#   integration/demo/roots.sh OUT
#
# OUT/v1 comes from the base suite alone, OUT/v2 is v1 with the current updates and security updates on top, so
# the packages that differ are those that differ for everybody today. In each: root/ (the tree, nothing of the
# build host left in it), kernel/ (the unpacked kernel package), packages (name and version, one a line).
# Trees are kept: only a change of this script or of tools/debian-trees.sh or an empty OUT makes new ones. Needs root.
set -euo pipefail

out=$1
# shellcheck source=tools/debian-trees.sh
. "$(dirname "$0")/../../tools/debian-trees.sh"
include=systemd,systemd-sysv,udev,kmod,openssl,ca-certificates,tzdata,iproute2,less
# Modules of the running system, by path below kernel/; the initramfs brings what the boot needs.
live_modules='fs/(autofs|exfat|fat|fuse|nls|overlayfs)/|drivers/net/(virtio_net|net_failover)|net/core/failover|hw_random/virtio'

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

begin_trees
echo "roots.sh: debootstrap of the base suite"
mkdir "$out/v1" "$out/v2"
bootstrap "$out/v1/root" --include="$include"

echo "roots.sh: the same with the current updates"
cp -a "$out/v1/root" "$out/v2/root"
know_updates "$out/v2/root"
inside "$out/v2/root" apt-get -y --no-install-recommends -o APT::Sandbox::User=root dist-upgrade

for version in v1 v2; do
    fetch_kernel "$out/$version"
    finish "$out/$version"
done
end_trees
echo "roots.sh: packages that differ:"
diff --side-by-side --suppress-common-lines --width 90 "$out/v1/packages" "$out/v2/packages" || true
