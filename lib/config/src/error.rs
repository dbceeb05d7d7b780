/// The JSON form of a configuration, made by the initramfs builder, can't be read or written.
#[derive(Debug)]
pub struct Error(pub(crate) serde_json::Error);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the device's configuration: {}; build the initramfs again with this version", self.0)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
