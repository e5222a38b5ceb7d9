//! The only way to open an outbound connection.
