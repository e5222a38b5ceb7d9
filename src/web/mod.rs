//! The HTTP and WebSocket door: pages, API, health, metrics. Out: `browser::Input`.
