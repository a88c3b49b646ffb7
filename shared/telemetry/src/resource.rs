//! Who is speaking: the attributes that every span and metric of this process shares.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

/// `service.name`, `service.version`, `service.instance.id`, `host.name`, `process.pid`, and
/// whatever `OTEL_RESOURCE_ATTRIBUTES` adds.
///
/// The instance id is random per start: two replicas with one host name must not be taken for
/// one series (OpenTelemetry semantic conventions, "service.instance.id").
pub(crate) fn of_stage(stage: &str) -> Resource {
    let mut attributes = vec![
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new(
            "service.instance.id",
            format!("{:032x}", fastrand::u128(..)),
        ),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    if let Some(host) = host_name() {
        attributes.push(KeyValue::new("host.name", host));
    }
    Resource::builder()
        .with_attributes(attributes)
        .with_service_name(format!("latchwork-{stage}"))
        .build()
}

/// Name of this machine or container, where there is one.
pub fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    /// Scenario: two replicas of a stage start on one host.
    /// Guarantee: the same service, two instances.
    #[test]
    fn replicas_share_the_name_not_the_instance() {
        let (one, two) = (of_stage("transform"), of_stage("transform"));
        let value = |resource: &Resource, key: &'static str| {
            resource.get(&Key::new(key)).map(|value| value.to_string())
        };
        assert_eq!(value(&one, "service.name").unwrap(), "latchwork-transform");
        assert_eq!(value(&one, "service.name"), value(&two, "service.name"));
        assert_ne!(
            value(&one, "service.instance.id"),
            value(&two, "service.instance.id")
        );
    }
}
