//! The operator's command: demo, up, check, provision, tail, simulate, load, dlq.
