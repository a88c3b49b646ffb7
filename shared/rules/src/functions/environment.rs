//! The environment of the process.

use std::collections::HashMap;
use std::env;
use std::os::unix::ffi::OsStringExt;
use std::sync::LazyLock;

use bytes::Bytes;

use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "getenv" (1, 1) getenv;
}

/// What a variable's name must begin with, so that no rule reads a secret of the process: EMQX's, for
/// rules that come from there.
const PREFIX: &[u8] = b"EMQXVAR_";

/// The variables that rules may read, by name without prefix. Read once: they do not change.
static VARIABLES: LazyLock<HashMap<Vec<u8>, Bytes>> = LazyLock::new(|| {
    env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_vec().strip_prefix(PREFIX)?.to_vec();
            Some((name, Bytes::from(value.into_vec())))
        })
        .collect()
});

/// Empty when there is no such variable.
fn getenv(a: &Arguments<'_>) -> Result<Value, Failure> {
    let name = a.bytes(1)?;
    let value = VARIABLES.get(&name[..]).cloned();
    Ok(Value::Text(value.unwrap_or_default()))
}
