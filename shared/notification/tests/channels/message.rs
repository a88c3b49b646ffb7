//! What the tests send.

use std::collections::BTreeMap;

use alert::{Alert, AlertKind, Change, Severity};
use notification::{ChannelKind, Delivery, Language, Message, Templates, Zone};

pub(crate) fn alert(number: u32) -> Alert {
    Alert {
        id: format!("{number:032x}"),
        kind: AlertKind::BatteryLow,
        severity: Severity::Warning,
        change: Change::Raised,
        lock: "10083618796833171".to_owned(),
        ts: 1_574_753_026_269,
        message: "The battery is at 19 %.".to_owned(),
        details: BTreeMap::from([("battery".to_owned(), 19.into())]),
    }
}

pub(crate) fn delivery(channel: ChannelKind, address: &str, alert: Alert) -> Delivery {
    Delivery {
        id: alert.id.clone(),
        channel,
        address: address.to_owned(),
        name: "Mei".to_owned(),
        language: Language::Zh,
        zone: Zone::of("Asia/Shanghai").unwrap(),
        alert,
        not_before_ms: 0,
        deadline_ms: u64::MAX,
    }
}

pub(crate) fn message(channel: ChannelKind, address: &str) -> Message {
    let delivery = delivery(channel, address, alert(7));
    Templates::shipped().unwrap().message(&[&delivery]).unwrap()
}
