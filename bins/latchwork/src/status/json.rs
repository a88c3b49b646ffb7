//! The view as JSON.

use serde_json::{Value, json};

use super::remarks::Level;
use super::view::View;

/// The view with its verdict in one word.
pub(super) fn of(view: &View) -> Value {
    let mut json = serde_json::to_value(view).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.insert("verdict".to_owned(), json!(verdict(view)));
    }
    json
}

fn verdict(view: &View) -> &'static str {
    match view.remarks.first().map(|remark| remark.level) {
        None => "healthy",
        Some(Level::Warning) => "warning",
        Some(Level::Broken) => "broken",
    }
}
