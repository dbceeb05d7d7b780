use crate::Reply;
use drydock_bundle::{Error, keys};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the private key goes (PKCS#8 PEM).
    private: PathBuf,
    /// Where the public key goes [default: the private key's name with .pub.pem].
    #[arg(long)]
    public: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    let public = args.public.clone().unwrap_or_else(|| args.private.with_extension("pub.pem"));
    let key = keys::PrivateKey::generate()?;
    let half = key.public()?;
    key.write(&args.private)?;
    keys::write_public(&half, &public)?;
    let text = format!(
        "private key  {}\npublic key   {}\n             {half}\nkey id       {}\n",
        args.private.display(),
        public.display(),
        half.id()
    );
    let json = json!({
        "private": args.private, "public": public, "public_key": half.to_string(), "key_id": half.id(),
    });
    Ok(Reply::new(text, json))
}
