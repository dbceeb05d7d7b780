//! The recovery's network on a kernel that has what a namespace on the build host may not: tags, and QEMU's own network.
//!
//! The guest is Debian's kernel with busybox as process 1. Two of its interfaces hang on one cable, so that it is its own
//! server; the third has QEMU's network for users.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu_tests::{DebianKernel, Qemu, Tools, run};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);

/// Sets the kernel up, lends addresses on `eth1.7`, and tries drydock on the two others.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
while read module; do insmod /$module; done < /modules
mkdir -p /run/drydock; cp /config.json /run/drydock/config.json
ip link set lo up; ip link set eth1 up
vconfig add eth1 7; ip link set eth1.7 up; ip addr add 10.99.7.1/24 dev eth1.7
touch /run/leases; udhcpd /udhcpd.conf
ip addr show eth0 | sed 's/ qdisc.*//' > /run/before
echo TAGGED; drydock network test --interface eth0 10.1.2.3; echo "RESULT $?"
ip addr show eth0 | sed 's/ qdisc.*//' | tee /run/after; ip link show eth0.7 && echo STILL-THERE; cmp /run/before /run/after && echo AS-BEFORE
echo SLIRP
# How long a router's advertisement takes depends on how busy the host is.
for seconds in 3 20 60; do
  drydock network test --interface eth2 --watch $seconds > /run/slirp 2>&1; result=$?
  grep -q fd00:98:: /run/slirp && break
done
cat /run/slirp; echo "RESULT $result"
echo END; poweroff -f
"#;

const UDHCPD: &str = "start 10.99.7.50\nend 10.99.7.60\ninterface eth1.7\nlease_file /run/leases\noption subnet 255.255.255.0\n\
    option router 10.99.7.1\noption dns 10.99.7.1\noption lease 600\n";

const CONFIG: &str = r#"{"compatible":"x","slot":[],"signatures":{"keys":[]},"network":{"interface":[
    {"name":"eth0","vlan":7,"ipv6":"off"},{"name":"eth2"}]}}"#;

/// The modules' paths below the kernel's folder, each after those that it needs.
fn modules(kernel: &DebianKernel) -> Vec<String> {
    let needs = std::fs::read_to_string(kernel.modules.join("modules.dep")).unwrap();
    let mut order: Vec<String> = Vec::new();
    for wanted in ["virtio_pci", "virtio_net", "8021q"] {
        let Some(line) = needs.lines().find(|line| line.contains(&format!("/{wanted}.ko"))) else { continue };
        let (own, needed) = line.split_once(':').unwrap();
        let all = needed.split_whitespace().rev().chain([own]);
        for path in all.map(str::to_owned) {
            if !order.contains(&path) {
                order.push(path);
            }
        }
    }
    order
}

fn initramfs(kernel: &DebianKernel, folder: &Path) -> PathBuf {
    let root = folder.join("root");
    for name in ["bin", "proc", "sys", "dev", "run"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    std::fs::copy(&Tools::with_network().unwrap().drydock, root.join("bin/drydock")).unwrap();
    let files = [("init", INIT), ("udhcpd.conf", UDHCPD), ("config.json", CONFIG)];
    for (name, text) in files {
        std::fs::write(root.join(name), text).unwrap();
    }
    let modules = modules(kernel);
    for module in &modules {
        let to = root.join(module);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(kernel.modules.join(module), to).unwrap();
    }
    std::fs::write(root.join("modules"), modules.join("\n") + "\n").unwrap();
    let archive = folder.join("initramfs");
    let pack = "chmod +x init && find . | cpio --quiet -o -H newc > \"$1\"";
    run(Command::new("sh").args(["-c", pack, "sh"]).arg(&archive).current_dir(&root).stdin(Stdio::null()))
        .unwrap();
    archive
}

#[test]
fn a_network_with_tags_and_qemus_own_give_addresses() {
    let kernel = DebianKernel::cloud().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let initramfs = initramfs(&kernel, folder.path());
    let mut qemu = Qemu::new("network").kernel(&kernel.vmlinuz, &initramfs, "console=ttyS0 quiet");
    let cables = ["hubport,id=n0,hubid=0", "hubport,id=n1,hubid=0", "user,id=n2,ipv6-net=fd00:98::/64"];
    for (number, cable) in cables.iter().enumerate() {
        qemu = qemu.arg("-netdev").arg(*cable).arg("-device");
        qemu = qemu.arg(format!(
            "virtio-net-pci,netdev=n{number},mac=02:00:00:00:00:0{number},addr=0{}.0",
            number + 8
        ));
    }
    let mut guest = qemu.start().unwrap();
    guest.expect("END", LIMIT).unwrap();
    let said = guest.said().replace('\r', "");
    let (tagged, slirp) = said.split_once("TAGGED\n").unwrap().1.split_once("SLIRP\n").unwrap();
    assert!(tagged.contains("\neth0.7: 10.99.7.") && tagged.contains("/24, DNS 10.99.7.1\n"), "{said}");
    assert!(tagged.contains("RESULT 0\n"), "{said}");
    // Nothing of it is left, and what has no tag was never used.
    assert!(tagged.contains("AS-BEFORE\n") && !tagged.contains("STILL-THERE"), "{said}");
    assert!(slirp.contains("\neth2: 10.0.2.15/24, DNS 10.0.2.3") && slirp.contains("RESULT 0\n"), "{said}");
    assert!(slirp.contains("fd00:98::"), "{said}");
}
