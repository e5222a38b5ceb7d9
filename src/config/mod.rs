//! Reads the configuration: composes each room's own `Config`, reports all mistakes at once.
