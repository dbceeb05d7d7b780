//! What a later drydock has written.

/// Fields that a later drydock has written and this one does not know: they are kept as they are.
pub type Later = serde_json::Map<String, serde_json::Value>;
