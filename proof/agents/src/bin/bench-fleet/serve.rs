//! The server, as a process of its own.

use crate::Fallible;
use crate::process::{Taken, taken};
use drydock_hawkbit::{Operator, Server};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The double.
    Double,
    /// The one whose jar the environment names.
    Real,
}

/// Serves until nobody holds the standard input any more: what [`Served::start`] starts.
pub(crate) fn serve() -> Fallible<()> {
    let server = Server::start();
    println!("{} {} {}", server.url(), server.gateway_key(), server.which());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut vec![])?;
    Ok(())
}

/// A server that runs until it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) key: String,
    /// Which one it says that it is.
    pub(crate) name: String,
}

impl Served {
    /// Starts it.
    pub(crate) fn start(which: Which) -> Fallible<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        if which == Which::Double {
            command.env_remove("HAWKBIT_JAR");
        }
        let mut child = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("the server has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let words: Vec<&str> = line.trim().splitn(3, ' ').collect();
        let [url, key, name] = words[..] else {
            return Err(format!("the server did not start: it said `{}`", line.trim()).into());
        };
        let (url, key, name) = (url.to_owned(), key.to_owned(), name.to_owned());
        Ok(Self { child, url, key, name })
    }

    pub(crate) fn operator(&self) -> Operator {
        Operator::new(&self.url)
    }

    /// What it takes, with all that it has started.
    pub(crate) fn taken(&self) -> Fallible<Taken> {
        taken(self.child.id())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Without it there is nobody to tell.
        let _ = self.child.wait();
    }
}
