use drydock_bundle::tool::{Reply, lossy};
use drydock_bundle::{Error, keys};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the private key goes (PKCS#8 PEM).
    private: PathBuf,
    /// Where the public key goes [default: the private key's name with .pub.pem in place of a final .pem, or behind it].
    #[arg(long)]
    public: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let public = args.public.clone().unwrap_or_else(|| public_beside(&args.private));
    let key = keys::PrivateKey::generate()?;
    let half = key.public()?;
    key.write(&args.private)?;
    if let Err(error) = keys::write_public(&half, &public) {
        // Half a pair is of no use, and would be in the way of the next try.
        let _ = fs::remove_file(&args.private);
        return Err(error);
    }
    let text = format!(
        "private key  {}\npublic key   {}\n             {half}\nkey id       {}\n",
        args.private.display(),
        public.display(),
        half.id()
    );
    let json = json!({
        "ok": true, "private": lossy(&args.private), "public": lossy(&public), "public_key": half.to_string(),
        "key_id": half.id(),
    });
    Ok(Reply::new(text, json))
}

/// `release.pem` and `release` both get `release.pub.pem`; no other dot in a name means anything.
fn public_beside(private: &Path) -> PathBuf {
    let name = private.file_name().unwrap_or_default().as_bytes();
    let stem = name.strip_suffix(b".pem").unwrap_or(name);
    private.with_file_name(OsStr::from_bytes(&[stem, b".pub.pem"].concat()))
}
