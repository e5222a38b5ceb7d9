//! A meeting: join, lobby, floor, moderation. In: a command and the time. Out: events in order and effects.
