//! Media threads: sockets and batches in and out of `media`; each thread owns whole shards.
