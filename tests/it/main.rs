//! Scenarios over real processes.

