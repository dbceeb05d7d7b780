//! Signing EFI programs: with a key in a file, or by whatever holds the key.

use super::authenticode::{bytes_to_sign, program_digest, signed_data};
use super::certificate::{Certificate, Key};
use super::pe::Pe;

/// What entries of the table of signatures are aligned to, in bytes.
const ALIGNMENT: usize = 8;
/// An entry's header: revision 2.0, a PKCS#7. UEFI Specification 2.10, section 32.2.4.
const KIND: [u8; 4] = [0x00, 0x02, 0x02, 0x00];

/// Why a program can't be signed, and with what; each is the rest of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The program is at fault.
    Program(String),
    /// The certificate is.
    Certificate(String),
    /// The private key is.
    Key(String),
    /// The signature that was made elsewhere is.
    Signature(String),
}

/// A program that is to be signed, and for which certificate.
#[derive(Debug)]
pub struct Signing {
    pe: Pe,
    /// Everything but the table, up to its alignment.
    program: Vec<u8>,
    /// The signatures that are there.
    table: Vec<u8>,
    digest: [u8; 32],
    certificate: Certificate,
}

impl Signing {
    /// Begins to sign a program, which may have signatures already, for the certificate in a PEM file.
    ///
    /// # Errors
    /// The program can't be signed, or the certificate is none for Secure Boot.
    pub fn new(program: &[u8], certificate: &[u8]) -> Result<Self, Wrong> {
        let pe = Pe::read(program).map_err(Wrong::Program)?;
        let certificate = Certificate::read(certificate).map_err(Wrong::Certificate)?;
        let (at, size) = (pe.certificates.0 as usize, pe.certificates.1 as usize);
        let (program, table) = match size {
            0 => (program, &[][..]),
            _ if at >= pe.end() as usize && at.is_multiple_of(ALIGNMENT) && at + size == program.len() => {
                program.split_at(at)
            }
            _ => {
                return Err(Wrong::Program(
                    "has signatures at a place where no tool puts them; sign it before they are added".into(),
                ));
            }
        };
        let (mut program, table) = (program.to_vec(), table.to_vec());
        program.resize(program.len().next_multiple_of(ALIGNMENT), 0);
        let digest = program_digest(&program, &pe).map_err(Wrong::Program)?;
        Ok(Self { pe, program, table, digest, certificate })
    }

    /// The bytes that the certificate's key is to sign, with RSA, PKCS#1 version 1.5 and SHA-256. The same program has the same ones.
    pub fn bytes(&self) -> Vec<u8> {
        bytes_to_sign(&self.digest)
    }

    /// Signs with the private key in a PEM file, and returns the whole program.
    ///
    /// # Errors
    /// The key is not the certificate's, or none that firmware takes.
    pub fn with_key(self, key: &[u8]) -> Result<Vec<u8>, Wrong> {
        let key = Key::read(key, &self.certificate).map_err(Wrong::Key)?;
        let signature = key.sign(&self.bytes()).map_err(Wrong::Key)?;
        self.with_signature(&signature)
    }

    /// Adds a signature of [`Signing::bytes`] that was made elsewhere, and returns the whole program. One that is there already is not
    /// added again.
    ///
    /// # Errors
    /// It is no signature of these bytes by the certificate's key.
    pub fn with_signature(mut self, signature: &[u8]) -> Result<Vec<u8>, Wrong> {
        if !self.certificate.verifies(&self.bytes(), signature) {
            let why =
                "is no signature of this program (RSA, PKCS#1 version 1.5, SHA-256) by the certificate's key";
            return Err(Wrong::Signature(why.into()));
        }
        let entry = entry(&signed_data(&self.digest, &self.certificate, signature));
        if !self.table.windows(entry.len()).any(|bytes| bytes == entry) {
            self.table.extend_from_slice(&entry);
        }
        let too_large = |_| Wrong::Program("would be larger than 4 GiB".into());
        self.pe.certificates = (
            u32::try_from(self.program.len()).map_err(too_large)?,
            u32::try_from(self.table.len()).map_err(too_large)?,
        );
        self.pe.write_certificates(&mut self.program);
        Ok([self.program, self.table].concat())
    }
}

/// An entry of the table.
fn entry(signature: &[u8]) -> Vec<u8> {
    let length = (8 + signature.len()) as u32;
    let mut entry = [&length.to_le_bytes(), &KIND[..], signature].concat();
    entry.resize(entry.len().next_multiple_of(ALIGNMENT), 0);
    entry
}
