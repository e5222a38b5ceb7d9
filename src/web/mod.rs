//! The door for browsers: pages, the API, health, WebSockets.
