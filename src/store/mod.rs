//! What must survive a restart: meetings and dialplan versions, a key-value store with revisions.
