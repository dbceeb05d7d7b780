//! Writes the seeds of what technicians type and paste. Run it from the repository's root:
//! `cargo run -p drydock-fuzz-targets --example access_seeds`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_access::{Answer, Challenge, Hash, Request, SshSignature, Verb, to_key_line};
use drydock_fixtures::key;
use std::path::Path;

fn write(target: &str, name: &str, content: &[u8]) {
    let folder = Path::new("proof/fuzz/seeds").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), content).unwrap();
}

fn main() {
    let request = Request::new(Verb::Wipe, "logs").unwrap();
    let challenge = Challenge::new("acme-pump", "pump-7", &request, [1, 2, 3, 4, 5]);
    let sign = |hash: Hash, reserved: &[u8]| {
        let signed = hash.signed_bytes(reserved, challenge.line().as_bytes());
        SshSignature {
            key: *key(1).public().unwrap().as_bytes(),
            hash,
            reserved: reserved.to_vec(),
            signature: key(1).sign(&signed).unwrap().signature,
        }
    };
    let plain = sign(Hash::Sha512, b"");
    write("answer", "short", Answer::to_text(&plain).unwrap().as_bytes());
    write("answer", "short-sha256", Answer::to_text(&sign(Hash::Sha256, b"")).unwrap().as_bytes());
    write("answer", "armor", plain.to_armor().as_bytes());
    write("ssh_signature", "armor", plain.to_armor().as_bytes());
    write("ssh_signature", "blob", &plain.to_blob());
    write("ssh_signature", "reserved", &sign(Hash::Sha256, b"of a later OpenSSH").to_blob());
    write("key_line", "bare", to_key_line(&key(1).public().unwrap()).as_bytes());
    let with = format!("{} anna@acme\r\n", to_key_line(&key(2).public().unwrap()));
    write("key_line", "with-comment", with.as_bytes());
}
