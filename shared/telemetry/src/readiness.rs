//! What `/readyz` waits for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::RwLock;

/// The conditions under which a stage can work. Cheap to clone; all clones share the conditions.
///
/// Without any condition the stage is not ready: nobody has said yet what it needs.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<RwLock<Vec<(String, ReadyFlag)>>>,
}

impl Readiness {
    /// A named condition, not met until its flag is set. The same name gives the same flag.
    pub fn condition(&self, name: &str) -> ReadyFlag {
        let mut conditions = self.conditions.write();
        if let Some((_, flag)) = conditions.iter().find(|(known, _)| known == name) {
            return flag.clone();
        }
        let flag = ReadyFlag::default();
        conditions.push((name.to_owned(), flag.clone()));
        flag
    }

    /// The names of the conditions that are not met; empty when the stage is ready.
    pub fn missing(&self) -> Vec<String> {
        let conditions = self.conditions.read();
        if conditions.is_empty() {
            return vec!["start".to_owned()];
        }
        conditions
            .iter()
            .filter(|(_, flag)| !flag.get())
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// Says whether one condition is met. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct ReadyFlag(Arc<AtomicBool>);

impl ReadyFlag {
    /// Met (true), or not any more (false).
    pub fn set(&self, met: bool) {
        self.0.store(met, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: no condition, two conditions met one after the other, one lost again.
    /// Guarantee: what is missing is named, in the order of registration.
    #[test]
    fn missing_conditions_are_named() {
        let readiness = Readiness::default();
        assert_eq!(readiness.missing(), ["start"]);
        let nats = readiness.condition("nats");
        let kafka = readiness.condition("kafka");
        assert_eq!(readiness.missing(), ["nats", "kafka"]);
        nats.set(true);
        assert_eq!(readiness.missing(), ["kafka"]);
        kafka.set(true);
        assert!(readiness.missing().is_empty());
        readiness.condition("nats").set(false);
        assert_eq!(readiness.missing(), ["nats"]);
    }
}
