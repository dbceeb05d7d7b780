//! A bundle on its way: streamed, never whole in memory.

use crate::model::Artifact;
use crate::query::encode;
use crate::{Client, Error, Release, Watch};
use std::io::{self, Read};

/// Separates the parts of the body (RFC 7578, 4.1). No file can be made that holds its own digest.
fn boundary(release: &Release) -> String {
    format!("drydock-{}", release.sha256)
}

/// Uploads a bundle into a module. On return the server has it with the right digest.
pub(crate) fn upload(
    client: &Client,
    doing: &str,
    module: u64,
    release: &Release,
    file_name: &str,
    watch: &dyn Watch,
) -> Result<(), Error> {
    let boundary = boundary(release);
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    watch.begin("uploading", release.size);
    let file = Watched { inner: release.bytes()?.take(release.size), watch };
    let size = head.len() as u64 + release.size + tail.len() as u64;
    let mut body = head.as_bytes().chain(file).chain(tail.as_bytes());
    let path = format!(
        "/softwaremodules/{module}/artifacts?filename={}&sha256sum={}",
        encode(file_name),
        release.sha256
    );
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let made = client.send(doing, &path, &content_type, &mut body, size);
    let made: Artifact = made.map_err(|error| with_limit(error, release.size))?;
    let sha256 = release.sha256.to_string();
    if made.size == release.size && made.hashes.sha256.is_none_or(|have| have == sha256) {
        return Ok(());
    }
    let problem =
        "what it has stored is not the bundle; remove that file on the server, and upload it again".into();
    Err(Error::Refused { doing: doing.into(), status: 201, problem })
}

/// The largest file in bytes that hawkBit takes unless it is set up otherwise. Of one that is larger it reads so much, answers, and hangs
/// up, so that the answer is lost behind what is still on its way.
const USUAL_LIMIT: u64 = 1 << 30;

/// Says what a connection that ends on the way may mean.
fn with_limit(error: Error, size: u64) -> Error {
    match error {
        Error::Unreachable { doing, server, problem } if size > USUAL_LIMIT => {
            let problem = format!(
                "{problem}; hawkBit takes files of up to 1 GiB (hawkbit.server.security.dos.maxArtifactSize, spring.servlet.multipart.max-file-size): have it take more, or make the bundle smaller"
            );
            Error::Unreachable { doing, server, problem }
        }
        other => other,
    }
}

/// Bytes that someone counts.
struct Watched<'a, R> {
    inner: R,
    watch: &'a dyn Watch,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.watch.advance(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_is_too_large_for_hawkbit_is_said_to_be() {
        let told = |size| {
            let error = Error::Unreachable {
                doing: "uploading".into(),
                server: "http://s".into(),
                problem: "Broken pipe".into(),
            };
            with_limit(error, size).to_string()
        };
        assert_eq!(told(USUAL_LIMIT), "uploading: http://s: Broken pipe");
        assert!(told(USUAL_LIMIT + 1).contains("maxArtifactSize"));
    }
}
