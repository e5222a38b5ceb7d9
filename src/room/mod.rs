//! A meeting: join, lobby, floor, moderation. In: commands. Out: effects and numbered events.
