//! Compiled JSON Schemas and the contracts that name them.
