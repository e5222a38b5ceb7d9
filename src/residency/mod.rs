//! Jurisdictions, processors, and the only way to open an outbound connection.
