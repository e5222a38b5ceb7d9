//! The configuration: `einwahl.toml`, the environment, the command line. Every mistake is reported at once.
