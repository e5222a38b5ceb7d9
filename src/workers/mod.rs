//! The media threads: sockets in and out of `media` and `browser`, every 20 ms.
