//! Wires everything: door event → pure room → effects → doors. The one clock; effects performed in one place.
