//! Menus: digits and the time in, prompts and admission requests out.
