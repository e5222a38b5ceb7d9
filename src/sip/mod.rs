//! The telephone signalling door: transports, trunks, guard against floods and scans. Out: `call::Input`.
