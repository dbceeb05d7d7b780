use drydock_fleet::{Base, Client, Credentials, Error, Plain};
use std::path::PathBuf;

/// What every command takes.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// Print the result as one JSON object, errors too.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress bars, even on a terminal.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// The address of the hawkBit server.
    #[arg(long, global = true, value_name = "URL", env = "DRYDOCK_FLEET_SERVER")]
    server: Option<String>,
    /// Refuse to do anything where the user belongs to another tenant.
    #[arg(long, global = true, env = "DRYDOCK_FLEET_TENANT")]
    tenant: Option<String>,
    /// A file with USER:PASSWORD, which only its owner can read.
    ///
    /// Without one they come from DRYDOCK_FLEET_USER and DRYDOCK_FLEET_PASSWORD.
    #[arg(long, global = true, value_name = "FILE", env = "DRYDOCK_FLEET_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
    /// Trust the authorities in this file (PEM), and not those of the system.
    #[arg(long, global = true, value_name = "FILE", env = "DRYDOCK_FLEET_CA")]
    ca: Option<PathBuf>,
    /// Send the password over a network without TLS.
    #[arg(long, global = true)]
    insecure_http: bool,
}

impl Common {
    /// Returns a client for the server, as the user that file or environment name.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        let lacks = |what: &str, problem: &str| Error::Input { what: what.into(), problem: problem.into() };
        let server = self.server.as_deref().ok_or_else(|| {
            lacks("the server", "none is given; say which with --server or DRYDOCK_FLEET_SERVER")
        })?;
        let plain = if self.insecure_http { Plain::Anywhere } else { Plain::Loopback };
        let base = Base::parse(server, plain)?;
        let variable = |name| std::env::var(name).ok();
        let credentials = match (&self.password_file, variable("DRYDOCK_FLEET_USER")) {
            (Some(path), _) => Credentials::read(path)?,
            (None, Some(user)) => {
                let password =
                    zeroize::Zeroizing::new(variable("DRYDOCK_FLEET_PASSWORD").unwrap_or_default());
                Credentials::new(&user, &password)?
            }
            (None, None) => {
                let problem = "none is given; name a file with --password-file, or set DRYDOCK_FLEET_USER and DRYDOCK_FLEET_PASSWORD";
                return Err(lacks("the user and the password", problem));
            }
        };
        let client = Client::new(base, &credentials, self.ca.as_deref())?;
        if let Some(tenant) = &self.tenant {
            client.check_tenant(tenant)?;
        }
        Ok(client)
    }
}
