//! Signatures of EFI programs: Microsoft's "Windows Authenticode Portable Executable Signature Format" (2008), in the form that
//! UEFI asks for (UEFI Specification 2.10, section 32.2.2 and 32.2.4): PKCS#7 (RFC 2315) in a table behind the program.

use super::certificate::{Certificate, RSA_ENCRYPTION};
use super::der::{all, tag, value};
use super::pe::Pe;
use ring::digest::{Context, SHA256, digest};

/// 1.2.840.113549.1.7.2, a PKCS#7 of signed data.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// 1.2.840.113549.1.9.3 and .4: the signed attributes.
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
/// 2.16.840.1.101.3.4.2.1.
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
/// 1.3.6.1.4.1.311.2.1.4: that a digest of something else is signed.
const INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
/// 1.3.6.1.4.1.311.2.1.15: that it is a PE file's.
const PE_IMAGE_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15];
/// What stands in place of the program's name.
const OBSOLETE: &str = "<<<Obsolete>>>";

/// The SHA-256 digest of a program without its signatures. The sections must follow each other without gaps, behind the headers:
/// then all ways to read the specification come to the same, which is everything but the checksum and the place of the signatures.
///
/// # Errors
/// There are gaps, as the rest of a sentence.
pub(crate) fn program_digest(program: &[u8], pe: &Pe) -> Result<[u8; 32], String> {
    let mut places: Vec<_> =
        pe.sections.iter().filter(|one| one.file_size > 0).map(|one| (one.file_at, one.file_size)).collect();
    places.sort_unstable();
    let mut end = pe.size_of_headers;
    for (at, size) in places {
        if at != end {
            return Err(format!(
                "has a gap between its sections at {end:#x}: firmware and tools would not agree on what is signed"
            ));
        }
        end = at + size;
    }
    let (checksum, certificates) = (pe.checksum_at(), pe.certificates_at());
    let mut context = Context::new(&SHA256);
    for part in [0..checksum, checksum + 4..certificates, certificates + 8..program.len()] {
        context.update(&program[part]);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Ok(digest)
}

/// What is signed of a program with this digest.
fn indirect_data(program: &[u8; 32]) -> Vec<u8> {
    let name: Vec<u8> = OBSOLETE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let link = all(tag::constructed(0), &[&all(tag::constructed(2), &[&value(tag::primitive(0), &name)])]);
    // No flags, of none of which a bit is there.
    let image = all(tag::SEQUENCE, &[&value(tag::BIT_STRING, &[0]), &link]);
    let data = all(tag::SEQUENCE, &[&value(tag::OID, PE_IMAGE_DATA), &image]);
    let digest = all(tag::SEQUENCE, &[&sha256(), &value(tag::OCTETS, program)]);
    [data, digest].concat()
}

fn sha256() -> Vec<u8> {
    all(tag::SEQUENCE, &[&value(tag::OID, SHA_256), &value(tag::NULL, &[])])
}

fn attribute(kind: &[u8], content: &[u8]) -> Vec<u8> {
    all(tag::SEQUENCE, &[&value(tag::OID, kind), &value(tag::SET, content)])
}

/// The signed attributes of a program with this digest, without the tag of what holds them. There is no time among them, so the same
/// program has the same ones.
fn attributes(program: &[u8; 32]) -> Vec<u8> {
    let content = digest(&SHA256, &indirect_data(program));
    // In DER the elements of a set are in the order of their bytes, and the shorter one is less.
    [
        attribute(CONTENT_TYPE, &value(tag::OID, INDIRECT_DATA)),
        attribute(MESSAGE_DIGEST, &value(tag::OCTETS, content.as_ref())),
    ]
    .concat()
}

/// The bytes that the key signs for a program with this digest: the signed attributes as a set, in DER.
pub(crate) fn bytes_to_sign(program: &[u8; 32]) -> Vec<u8> {
    value(tag::SET, &attributes(program))
}

/// The signature of a program with this digest: the PKCS#7 that has the certificate and what its key has made of
/// [`bytes_to_sign`].
pub(crate) fn signed_data(program: &[u8; 32], certificate: &Certificate, signature: &[u8]) -> Vec<u8> {
    let version = value(tag::INTEGER, &[1]);
    let content = all(tag::constructed(0), &[&value(tag::SEQUENCE, &indirect_data(program))]);
    let signer = all(
        tag::SEQUENCE,
        &[
            &version,
            &all(tag::SEQUENCE, &[&certificate.issuer, &certificate.serial]),
            &sha256(),
            &value(tag::constructed(0), &attributes(program)),
            &all(tag::SEQUENCE, &[&value(tag::OID, RSA_ENCRYPTION), &value(tag::NULL, &[])]),
            &value(tag::OCTETS, signature),
        ],
    );
    let signed = all(
        tag::SEQUENCE,
        &[
            &version,
            &value(tag::SET, &sha256()),
            &all(tag::SEQUENCE, &[&value(tag::OID, INDIRECT_DATA), &content]),
            &value(tag::constructed(0), &certificate.der),
            &value(tag::SET, &signer),
        ],
    );
    all(tag::SEQUENCE, &[&value(tag::OID, SIGNED_DATA), &value(tag::constructed(0), &signed)])
}
