//! What locks and apps say.

/// A state that keeps the contract. Its number is in `process_id`.
pub(crate) fn state(client_id: &str, number: u64) -> String {
    state_with_battery(client_id, number, "83.4")
}

/// A state that breaks its contract: the battery is no number.
pub(crate) fn broken_state(client_id: &str, number: u64) -> String {
    state_with_battery(client_id, number, "\"full\"")
}

fn state_with_battery(client_id: &str, number: u64, battery: &str) -> String {
    format!(
        "{{\"process_id\":\"{number}\",\"action\":\"unlock\",\"battery\":{battery},\
         \"lock_state\":1,\"version\":1.1,\"client_id\":\"{client_id}\"}}"
    )
}

/// A command that keeps the contract.
pub(crate) fn command(number: u64) -> String {
    format!(
        "{{\"process_id\":\"{number}\",\"action\":\"unlock\",\"nonce_str\":\"u7u4p0n8\",\
         \"ts\":1574744434,\"sign\":\"e9f5af7deaa28563\"}}"
    )
}

pub(crate) fn state_topic(client_id: &str) -> String {
    format!("devices/{client_id}/state")
}

pub(crate) fn command_topic(client_id: &str) -> String {
    format!("devices/{client_id}/command")
}

/// Client id and number of a state or of a broken one.
pub(crate) fn read_state(payload: &[u8]) -> Option<(String, u64)> {
    let state: serde_json::Value = serde_json::from_slice(payload).ok()?;
    let client_id = state.get("client_id")?.as_str()?.to_owned();
    Some((client_id, state.get("process_id")?.as_str()?.parse().ok()?))
}

/// A name that no other test and no other run has.
pub(crate) fn unique(name: &str) -> String {
    format!("it-{name}-{:08x}", fastrand::u32(..))
}
