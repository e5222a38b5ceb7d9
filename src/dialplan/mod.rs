//! Decides what a call is for. In: the facts of a call and the time. Out: a decision, and why.
