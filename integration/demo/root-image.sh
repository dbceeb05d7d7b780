#!/bin/bash
# One release's root filesystem: a tree of roots.sh, the device binary, and the demo's units, as an EROFS image.
#
#   integration/demo/root-image.sh TREE VERSION PACKAGES DRYDOCK IMAGE
#
# PACKAGES is a file with the names whose versions the demo's report shows. The same input gives the same bytes.
set -euo pipefail

tree=$1 version=$2 packages=$3 drydock=$4 image=$5
demo=$(dirname "$0")
epoch=1700000000
uuid=6b7c1d2e-7d1f-4c0a-9a35-2f1f0d0c6b01

work=$(mktemp -d "$image.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
cp -a --reflink=auto "$tree" "$root"
cp -a "$demo/rootfs/." "$root/"
install -m 644 "$demo"/../live-units/*.service "$root/usr/lib/systemd/system/"
chown -R 0:0 "$root"/usr/lib/{drydock-demo,systemd,tmpfiles.d}
install -D -m 644 "$packages" "$root/usr/share/drydock-demo/packages"
install -m 755 "$drydock" "$root/usr/bin/drydock"
echo "drydock demo, release $version \\r on \\l" > "$root/etc/issue"
sed -i "/^IMAGE_/d; \$a IMAGE_ID=drydock-demo\nIMAGE_VERSION=$version" "$root/usr/lib/os-release"

# The root is read-only, /var is mounted before systemd starts, and nothing here has a use for the rest.
ln -sf /usr/share/systemd/tmp.mount "$root/etc/systemd/system/tmp.mount"
mkdir -p "$root/etc/systemd/system/local-fs.target.wants"
ln -sf /etc/systemd/system/tmp.mount "$root/etc/systemd/system/local-fs.target.wants/tmp.mount"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    e2scrub_reap.service remote-fs.target systemd-pstore.service getty@.service serial-getty@.service getty-static.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount modprobe@.service proc-sys-fs-binfmt_misc.automount kmod-static-nodes.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-firstboot.service \
    systemd-pcrphase.service systemd-pcrphase-initrd.service systemd-pcrphase-sysinit.service \
    systemd-repart.service systemd-sysusers.service systemd-ask-password-console.path \
    systemd-ask-password-wall.path systemd-machine-id-commit.service systemd-modules-load.service \
    systemd-logind.service systemd-hwdb-update.service systemd-journal-catalog-update.service \
    systemd-update-done.service ldconfig.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
mkdir -p "$root/etc/systemd/system/basic.target.wants"
ln -sf /usr/lib/systemd/system/drydock-settle.service "$root/etc/systemd/system/basic.target.wants/"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
for unit in drydock-mark-good drydock-agent drydock-demo-report drydock-demo-stage; do
    ln -sf "/usr/lib/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/"
done
ln -sf /usr/lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/"
mkdir -p "$root/etc/systemd/system/network-online.target.wants"
ln -sf /usr/lib/systemd/system/systemd-networkd-wait-online.service \
    "$root/etc/systemd/system/network-online.target.wants/"

mkfs.erofs -d0 -T$epoch -U$uuid -Enoinline_data "$work/image" "$root" > /dev/null
mv "$work/image" "$image"
