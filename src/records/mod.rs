//! Call records and the audit trail.
