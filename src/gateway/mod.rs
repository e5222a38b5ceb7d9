//! Wires everything: door event → pure room → effects → doors. Holds the one clock and performs every effect in one match.
