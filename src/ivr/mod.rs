//! Menus: digits in, prompts out, until a caller is admitted.
