use crate::Reply;
use drydock_access::{Answer, Challenge, Hash, SshSignature};
use drydock_bundle::Error;
use drydock_bundle::keys::PrivateKey;
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// So many bytes of standard input, or of a file, are looked at.
const MOST: u64 = 16 << 10;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["key", "signature"])))]
pub(crate) struct Args {
    /// The line that the device shows, quoted or not; without it, it is read from standard input.
    challenge: Vec<String>,
    /// Sign with this private key: as ssh-keygen writes it, or PEM.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The key's passphrase is the first line of this file; without it, it is asked for.
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
    /// Take the signature that ssh-keygen -Y sign has made.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Print the SSH signature, for pasting, in place of the short form.
    #[arg(long)]
    armor: bool,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let challenge = challenge(&args.challenge)?;
    let signature = match (&args.key, &args.signature) {
        (_, Some(file)) => made_elsewhere(file, &challenge)?,
        (Some(key), None) => sign(key, args.passphrase_file.as_deref(), &challenge)?,
        (None, None) => return Err(input("a key or a signature is needed")),
    };
    let armor = signature.to_armor();
    let short = if args.armor { None } else { Some(Answer::to_text(&signature).map_err(input)?) };
    let [compatible, device, verb, what] = challenge.words();
    let json = json!({
        "ok": true, "compatible": compatible, "device": device, "verb": verb, "what": what,
        "answer": short, "signature": armor,
    });
    Ok(Reply::new(short.unwrap_or(armor), json))
}

fn input(problem: impl ToString) -> Error {
    Error::Input { what: "answering the challenge".into(), problem: problem.to_string() }
}

fn challenge(words: &[String]) -> Result<Challenge, Error> {
    let text = if words.is_empty() {
        let mut text = String::new();
        let read = io::stdin().take(MOST).read_to_string(&mut text);
        let path = PathBuf::from("standard input");
        read.map_err(|source| Error::File { doing: "reading the challenge from", path, source })?;
        text
    } else {
        words.join(" ")
    };
    Challenge::parse(&text).map_err(input)
}

fn sign(key: &Path, passphrase: Option<&Path>, challenge: &Challenge) -> Result<SshSignature, Error> {
    let key = PrivateKey::read_ssh(key, || match passphrase {
        Some(file) => first_line(file),
        None if io::stdin().is_terminal() => ask(key),
        None => {
            Err(input("the key has a passphrase, and nobody is there to be asked; name --passphrase-file"))
        }
    })?;
    let hash = Hash::Sha512;
    let signed = key.sign(&hash.signed_bytes(b"", challenge.line().as_bytes()))?;
    let key = *key.public()?.as_bytes();
    Ok(SshSignature { key, hash, reserved: Vec::new(), signature: signed.signature })
}

fn ask(key: &Path) -> Result<Zeroizing<String>, Error> {
    let asked = rpassword::prompt_password(format!("Passphrase of {}: ", key.display()));
    asked.map(Zeroizing::new).map_err(|source| Error::File {
        doing: "asking for the passphrase of",
        path: key.into(),
        source,
    })
}

fn first_line(file: &Path) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::with_capacity(MOST as usize));
    let read = File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text));
    read.map_err(|source| Error::File { doing: "reading the passphrase from", path: file.into(), source })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// A signature that came from elsewhere is taken only if it is one of this challenge.
fn made_elsewhere(file: &Path, challenge: &Challenge) -> Result<SshSignature, Error> {
    let text = fs::read_to_string(file).map_err(|source| Error::File {
        doing: "reading the signature",
        path: file.into(),
        source,
    })?;
    let signature = SshSignature::from_armor(&text).map_err(input)?;
    if !challenge.is_signed_by(&signature) {
        return Err(input(format!(
            "{} is not a signature of this challenge; sign just its line, with or without a line end",
            file.display()
        )));
    }
    Ok(signature)
}
