/// The largest list in bytes.
pub const LIST: u64 = 16 << 20;
