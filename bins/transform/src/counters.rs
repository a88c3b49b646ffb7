//! How often each rule and each action did what, under EMQX's names.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rules::Rule;
use serde::Serialize;
use settings::Pipeline;
use telemetry::metrics::rules as metrics;
use telemetry::{Counter, Meter, Metric};

/// What one lane has counted of a rule since it last told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct RuleTally {
    pub(crate) passed: u64,
    pub(crate) failed_exception: u64,
    pub(crate) failed_no_result: u64,
    pub(crate) actions: Vec<ActionTally>,
}

/// The same of an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ActionTally {
    pub(crate) success: u64,
    pub(crate) failed: u64,
    pub(crate) dropped: u64,
}

impl ActionTally {
    /// A record that was handed on and is withdrawn.
    pub(crate) fn withdraw(&mut self) {
        self.success = self.success.saturating_sub(1);
        self.dropped += 1;
    }
}

/// The counters of a rule and its actions, which all lanes of this process share.
#[derive(Debug)]
pub(crate) struct RuleCounters {
    rule: OwnCounters,
    actions: Vec<ActionCounters>,
}

/// Those of the rule itself, whatever its actions. Clones share them.
#[derive(Clone, Debug)]
struct OwnCounters {
    matched: Counter,
    passed: Counter,
    failed: Counter,
    failed_exception: Counter,
    failed_no_result: Counter,
}

/// Those of an action. Clones share them.
#[derive(Clone, Debug)]
struct ActionCounters {
    /// Its place and kind: `1:kafka`.
    name: String,
    matched: Counter,
    success: Counter,
    failed: Counter,
    dropped: Counter,
}

impl OwnCounters {
    fn new(meter: &Meter, rule: &str) -> Self {
        let counter = |metric: &Metric| Counter::labelled(metric, meter, [rule.to_owned()]);
        let counters = Self {
            matched: counter(&metrics::RULE_MATCHED),
            passed: counter(&metrics::RULE_PASSED),
            failed: counter(&metrics::RULE_FAILED),
            failed_exception: counter(&metrics::RULE_FAILED_EXCEPTION),
            failed_no_result: counter(&metrics::RULE_FAILED_NO_RESULT),
        };
        // A series that is absent until its first event hides that event from `rate()`.
        counters.add(&RuleTally::default());
        counters
    }

    fn add(&self, tally: &RuleTally) {
        let failed = tally.failed_exception + tally.failed_no_result;
        self.matched.add(tally.passed + failed);
        self.passed.add(tally.passed);
        self.failed.add(failed);
        self.failed_exception.add(tally.failed_exception);
        self.failed_no_result.add(tally.failed_no_result);
    }
}

impl RuleCounters {
    /// Adds what a lane has counted in a batch, if it has, and lets it count from 0.
    pub(crate) fn add_and_clear(&self, tally: &mut RuleTally) {
        if tally.passed + tally.failed_exception + tally.failed_no_result == 0 {
            return;
        }
        self.add(tally);
        tally.actions.fill(ActionTally::default());
        *tally = RuleTally {
            actions: std::mem::take(&mut tally.actions),
            ..RuleTally::default()
        };
    }

    fn add(&self, tally: &RuleTally) {
        self.rule.add(tally);
        for (counters, tally) in self.actions.iter().zip(&tally.actions) {
            counters.add(tally);
        }
    }
}

/// The counters of all rules of this process, for metrics and for who asks.
#[derive(Clone, Debug)]
pub struct RulesBoard {
    meter: Meter,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    version: String,
    /// In the order of the rules.
    current: Vec<(Arc<Rule>, Arc<RuleCounters>)>,
    /// By the rule's name. Also those of rules that are gone: a counter must not begin again when its
    /// rule comes back, and none when the rule gets another list of actions.
    rules: HashMap<String, OwnCounters>,
    /// The same of actions, by the names of the rule and the action.
    actions: HashMap<(String, String), ActionCounters>,
}

impl State {
    fn counters(&mut self, meter: &Meter, rule: &Rule) -> RuleCounters {
        let name = &rule.name;
        let own = self.rules.entry(name.clone());
        let own = own.or_insert_with(|| OwnCounters::new(meter, name));
        let actions = rule.actions.iter().enumerate().map(|(place, action)| {
            let action = format!("{}:{}", place + 1, action.kind());
            let counters = self.actions.entry((name.clone(), action.clone()));
            let counters = counters.or_insert_with(|| ActionCounters::new(meter, name, action));
            counters.clone()
        });
        RuleCounters {
            rule: own.clone(),
            actions: actions.collect(),
        }
    }
}

/// What `latchwork status` is told about the rules of a process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RulesReport {
    /// Version of the pipeline that is in force.
    pub version: String,
    /// In their order.
    pub rules: Vec<RuleReport>,
}

/// The counts of a rule since the process began.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RuleReport {
    /// Its name.
    pub name: String,
    /// Whether nothing is done with what it gives.
    pub shadow: bool,
    /// Events that its `FROM` names.
    pub matched: u64,
    /// Those that it had a result for.
    pub passed: u64,
    /// Those that it had none for, for whatever reason.
    pub failed: u64,
    /// Of them, because its statement could not be evaluated.
    #[serde(rename = "failed.exception")]
    pub failed_exception: u64,
    /// Of them, because its conditions were not met.
    #[serde(rename = "failed.no_result")]
    pub failed_no_result: u64,
    /// Its actions.
    pub actions: Vec<ActionReport>,
}

/// The counts of an action since the process began.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ActionReport {
    /// Its place and kind: `1:kafka`.
    pub name: String,
    /// Results that it was to do something with.
    pub matched: u64,
    /// Those whose record was handed on.
    pub success: u64,
    /// Those that it could make nothing of.
    pub failed: u64,
    /// Those that it was kept from: by shadow, or because a rule would go round in a circle.
    pub dropped: u64,
}

impl RulesBoard {
    /// A board that shows its counters through a meter.
    pub fn new(meter: Meter) -> Self {
        Self {
            meter,
            state: Arc::default(),
        }
    }

    /// The counters of a pipeline's rules, in their order. From here on they are what is reported.
    pub(crate) fn follow(&self, pipeline: &Pipeline) -> Vec<Arc<RuleCounters>> {
        let mut state = self.state.lock();
        pipeline.version().clone_into(&mut state.version);
        state.current.clear();
        for rule in pipeline.rules() {
            let counters = Arc::new(state.counters(&self.meter, rule));
            state.current.push((Arc::clone(rule), counters));
        }
        let counters = state.current.iter();
        counters.map(|(_, counters)| Arc::clone(counters)).collect()
    }

    /// What has been counted.
    pub fn report(&self) -> RulesReport {
        let state = self.state.lock();
        let rule = |(rule, counters): &(Arc<Rule>, Arc<RuleCounters>)| RuleReport {
            name: rule.name.clone(),
            shadow: rule.shadow,
            matched: counters.rule.matched.total(),
            passed: counters.rule.passed.total(),
            failed: counters.rule.failed.total(),
            failed_exception: counters.rule.failed_exception.total(),
            failed_no_result: counters.rule.failed_no_result.total(),
            actions: counters
                .actions
                .iter()
                .map(ActionCounters::report)
                .collect(),
        };
        RulesReport {
            version: state.version.clone(),
            rules: state.current.iter().map(rule).collect(),
        }
    }
}

impl ActionCounters {
    fn new(meter: &Meter, rule: &str, name: String) -> Self {
        let counter = |metric: &Metric| {
            let labels = [rule.to_owned(), name.clone()];
            Counter::labelled(metric, meter, labels)
        };
        let counters = Self {
            matched: counter(&metrics::ACTION_MATCHED),
            success: counter(&metrics::ACTION_SUCCESS),
            failed: counter(&metrics::ACTION_FAILED),
            dropped: counter(&metrics::ACTION_DROPPED),
            name,
        };
        // So that its series is there before its first event.
        counters.add(&ActionTally::default());
        counters
    }

    fn add(&self, tally: &ActionTally) {
        self.matched
            .add(tally.success + tally.failed + tally.dropped);
        self.success.add(tally.success);
        self.failed.add(tally.failed);
        self.dropped.add(tally.dropped);
    }

    fn report(&self) -> ActionReport {
        ActionReport {
            name: self.name.clone(),
            matched: self.matched.total(),
            success: self.success.total(),
            failed: self.failed.total(),
            dropped: self.dropped.total(),
        }
    }
}

#[cfg(test)]
mod tests;
