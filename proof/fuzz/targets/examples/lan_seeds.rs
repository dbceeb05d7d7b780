//! Writes the seeds of what comes from a network: DHCP as RFC 2131 has it, advertisements as RFC 4861 and 8106, answers as
//! RFC 1035, requests as browsers and curl make them. Run it from the repository's root: `cargo run -p drydock-fuzz-targets --example lan_seeds`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

fn main() {
    dhcp_seeds();
    dns_seeds();
    router_seeds();
    page_seeds();
}

fn write(target: &str, name: &str, content: &[u8]) {
    let folder = Path::new("proof/fuzz/seeds").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), content).unwrap();
}

/// A message after its length; its number and hardware address the target puts in.
fn message(kind: u8, options: &[&[u8]]) -> Vec<u8> {
    let mut message = vec![0; 240];
    message[..3].copy_from_slice(&[2, 1, 6]);
    message[16..20].copy_from_slice(&[10, 0, 0, 77]);
    message[236..240].copy_from_slice(&[99, 130, 83, 99]);
    message.extend([53, 1, kind, 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 14, 16]);
    message.extend(options.concat());
    message.push(255);
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), &message[..]].concat()
}

fn dhcp_seeds() {
    const OFFER: u8 = 2;
    const ACK: u8 = 5;
    const NAK: u8 = 6;
    const NETWORK: &[u8] = &[1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 0, 1, 6, 8, 10, 0, 0, 2, 10, 0, 0, 3];
    const ROUTES: &[u8] = &[121, 13, 24, 10, 1, 2, 10, 0, 0, 7, 0, 10, 0, 0, 1];
    const TIMES: &[u8] = &[58, 4, 0, 0, 0, 60, 59, 4, 0, 0, 0, 90];
    let plain = [message(OFFER, &[NETWORK]), message(ACK, &[NETWORK])].concat();
    write("dhcp", "lease", &plain);
    let renewed = [plain.clone(), message(ACK, &[NETWORK, TIMES]), message(ACK, &[NETWORK, TIMES])].concat();
    write("dhcp", "renewed", &renewed);
    write("dhcp", "refused-later", &[plain, message(ACK, &[NETWORK]), message(NAK, &[])].concat());
    let routed = [message(OFFER, &[NETWORK, ROUTES]), message(ACK, &[ROUTES, NETWORK, ROUTES])].concat();
    write("dhcp", "routes", &routed);
}

fn labels(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn dns_seeds() {
    let answer = |flags: u16, kind: u16, records: &[Vec<u8>]| {
        let mut packet = vec![0, 0];
        packet.extend(flags.to_be_bytes());
        packet.extend([0, 1]);
        packet.extend((records.len() as u16).to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(labels("updates.example.org"));
        packet.extend([kind.to_be_bytes(), [0, 1]].concat());
        packet.extend(records.concat());
        packet
    };
    let record = |owner: &[u8], kind: u8, data: &[u8]| {
        [owner, &[0, kind, 0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes(), data].concat()
    };
    const SAME: &[u8] = &[0xc0, 12];
    let with = |options: u8, packet: Vec<u8>| [&[options], &packet[..]].concat();
    let two = [record(SAME, 1, &[192, 0, 2, 1]), record(SAME, 1, &[192, 0, 2, 2])];
    write("dns", "two-addresses", &with(0, answer(0x8180, 1, &two)));
    write("dns", "ipv6", &with(1, answer(0x8180, 28, &[record(SAME, 28, &[0x20; 16])])));
    let alias = labels("cdn.example.net");
    let followed = [record(SAME, 5, &alias), record(&alias, 1, &[192, 0, 2, 3])];
    write("dns", "alias", &with(0, answer(0x8180, 1, &followed)));
    write("dns", "alias-to-elsewhere", &with(0, answer(0x8180, 1, &followed[..1])));
    // A label, and the rest of the question's name.
    write("dns", "pointer", &with(0, answer(0x8180, 1, &[record(SAME, 5, &[1, b'a', 0xc0, 20])])));
    write("dns", "no-such-name", &with(0, answer(0x8183, 1, &[])));
    write("dns", "cut-short", &with(0, answer(0x8380, 1, &[])));
}

fn router_seeds() {
    const ROUTER: &[u8] = &[134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let prefix =
        [&[3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0][..], &[0xfd; 8], &[0; 8]].concat();
    let servers = [&[25, 5, 0, 0, 0, 0, 0, 60][..], &[0xfd; 16], &[0xfe, 0x80], &[1; 14]].concat();
    let link: &[u8] = &[1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 5, 0xdc];
    write("router_advertisement", "alone", ROUTER);
    write("router_advertisement", "prefix-and-servers", &[ROUTER, &prefix, link, &servers].concat());
}

/// What comes to the page; the target's page has this token.
fn page_seeds() {
    let page = format!("X-Drydock-Page: {}\r\n", "01".repeat(24));
    let bearer = format!("Authorization: Bearer {}\r\n", "02".repeat(24));
    let seed = |name: &str, line: &str, fields: &[&str], body: &str| {
        let request = format!("{line} HTTP/1.1\r\n{}\r\n{body}", fields.concat());
        write("page_request", name, request.as_bytes());
    };
    let host = "Host: 192.168.7.20\r\n";
    let linked = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n";
    seed("page", "GET /", &[host, linked], "");
    seed("status", "GET /status", &["Host: [fd00::7]:8443\r\n", &bearer, "Connection: keep-alive\r\n"], "");
    let wish = format!("install 1.4.2 {}", "0f".repeat(32));
    let own = "Origin: https://pump-7.example\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 78\r\n";
    seed("ask", "POST /ask", &["Host: pump-7.example\r\n", &page, own], &wish);
    let answer = "roll-back\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n";
    seed("answer", "POST /answer", &[host, &page, "Content-Length: 57\r\n"], answer);
    let upload = "Content-Length: 4711\r\nExpect: 100-continue\r\n";
    seed("bundle", "PUT /bundle", &[host, &page, &bearer, upload], "manifest.json");
}
