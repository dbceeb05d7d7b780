//! One function for each thing that drydock parses before anything vouches for it: what a stick, a disk or a
//! bundle says. None may panic, hang or take memory out of proportion, whatever the bytes are.
//!
//! `proof/fuzz/fuzz_targets/` hands these to libFuzzer; [`smoke`] runs them on the stable compiler. Where a format has
//! checksums, a target mends them first (and tries the bytes as they are as well): random bytes would not get
//! past them, an attacker's do.

mod access;
mod bundle;
pub mod delta;
mod disk;
mod fleet;
mod lan;
mod modem;
mod options;
mod page;
mod repack;
pub mod smoke;
mod state;
mod transfer;

/// One thing to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of the libFuzzer binary, and of its folder in `proof/fuzz/seeds`.
    pub name: &'static str,
    /// Parses the bytes, and says whether they were accepted. Panics where a promise is broken.
    pub run: fn(&[u8]) -> bool,
}

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "answer", run: access::answer },
    Target { name: "archive", run: bundle::archive },
    Target { name: "bgenv", run: state::bgenv },
    Target { name: "boot_env", run: state::boot_env },
    Target { name: "channel", run: fleet::channel },
    Target { name: "ddi", run: fleet::ddi },
    Target { name: "delta_index", run: delta::delta_index },
    Target { name: "delta_plan", run: delta::delta_plan },
    Target { name: "delta_section", run: delta::delta_section },
    Target { name: "dhcp", run: lan::dhcp },
    Target { name: "dns", run: lan::dns },
    Target { name: "ext4", run: disk::ext4 },
    Target { name: "fat", run: disk::fat },
    Target { name: "file_list", run: bundle::file_list },
    Target { name: "frame", run: bundle::frame },
    Target { name: "frame_table", run: bundle::frame_table },
    Target { name: "gpt", run: disk::gpt },
    Target { name: "groups", run: bundle::groups },
    Target { name: "gzip_unpack", run: repack::gzip_unpack },
    Target { name: "http_head", run: transfer::http_head },
    Target { name: "key_line", run: access::key_line },
    Target { name: "luks1", run: disk::luks1 },
    Target { name: "luks2", run: disk::luks2 },
    Target { name: "luks2_metadata", run: disk::luks2_metadata },
    Target { name: "lz4_unpack", run: repack::lz4_unpack },
    Target { name: "manifest", run: bundle::manifest },
    Target { name: "modem_receive", run: modem::modem_receive },
    Target { name: "modem_send", run: modem::modem_send },
    Target { name: "multipart", run: transfer::multipart },
    Target { name: "page_request", run: page::request },
    Target { name: "repack", run: repack::repack },
    Target { name: "report", run: fleet::report },
    Target { name: "router_advertisement", run: lan::router_advertisement },
    Target { name: "signatures", run: bundle::signatures },
    Target { name: "ssh_signature", run: access::ssh_signature },
    Target { name: "state_record", run: state::record },
    Target { name: "supplement", run: bundle::supplement },
    Target { name: "tar_header", run: bundle::tar_header },
    Target { name: "trailer", run: state::trailer },
    Target { name: "trees", run: disk::trees },
    Target { name: "u_boot_env", run: state::u_boot_env },
];

/// Runs the target of that name; the libFuzzer binaries call this.
///
/// # Panics
/// There is no such target, or it found something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    assert!(target.is_some(), "no target {name}");
    if let Some(target) = target {
        (target.run)(data);
    }
}
