//! Who the operator is.

use crate::Error;
use base64ct::{Base64, Encoding};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The largest file with a password in bytes that is looked at.
const MAX_FILE: u64 = 4096;

/// A user and its password. They are wiped when dropped and have no `Debug`.
pub struct Credentials(Zeroizing<String>);

impl Credentials {
    /// Takes a user's name and password. An error: the name has a colon in it, or nothing.
    pub fn new(user: &str, password: &str) -> Result<Self, Error> {
        Self::parse("the user", &format!("{user}:{password}"), user.contains(':'))
    }

    /// Reads `USER:PASSWORD` from the first line of a file. Nobody but its owner may be able to read it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { doing: "reading the password in", path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        let what = path.display().to_string();
        if mode & 0o077 != 0 {
            let problem = "others can read this password; take that from them (chmod 600)".into();
            return Err(Error::Input { what, problem });
        }
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize));
        file.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&what, text.lines().next().unwrap_or_default(), false)
    }

    fn parse(what: &str, pair: &str, odd: bool) -> Result<Self, Error> {
        let user = pair.split_once(':').map(|(user, _)| user).unwrap_or_default();
        if user.is_empty() || odd || pair.chars().any(char::is_control) {
            let problem = "not USER:PASSWORD in one line, with no colon in the user's name".into();
            return Err(Error::Input { what: what.into(), problem });
        }
        Ok(Self(Zeroizing::new(pair.into())))
    }

    /// Returns the value of a header `Authorization` (RFC 7617).
    pub(crate) fn header(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(Base64::encode_string(self.0.as_bytes()));
        Zeroizing::new(format!("Basic {}", *encoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of_file(text: &str, mode: u32) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Credentials::read(&path).map(|read| read.header().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_password_may_have_colons_and_a_user_may_not() {
        // printf 'admin:a:b' | base64
        assert_eq!(of_file("admin:a:b\nmore", 0o600), Ok("Basic YWRtaW46YTpi".into()));
        assert_eq!(Credentials::new("admin", "a:b").ok().unwrap().header().as_str(), "Basic YWRtaW46YTpi");
        for (user, password) in [("", "x"), ("a:b", "x"), ("a", "x\ny")] {
            assert!(Credentials::new(user, password).is_err(), "{user}");
        }
        assert!(of_file("nothing", 0o600).unwrap_err().contains("not USER:PASSWORD"));
        assert!(of_file("", 0o400).is_err());
    }

    #[test]
    fn a_password_that_others_can_read_is_refused() {
        for mode in [0o604, 0o640, 0o644] {
            assert!(of_file("admin:x", mode).unwrap_err().contains("chmod 600"), "{mode:o}");
        }
    }
}
