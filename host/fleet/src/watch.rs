/// Who is told how far something long has come.
pub trait Watch {
    /// Something begins that has so many bytes to go.
    fn begin(&self, what: &str, bytes: u64);
    /// So many more are done.
    fn advance(&self, bytes: u64);
}
