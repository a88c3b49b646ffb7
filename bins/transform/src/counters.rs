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

/// The counters of a rule, which all lanes of this process share.
#[derive(Debug)]
pub(crate) struct RuleCounters {
    matched: Counter,
    passed: Counter,
    failed: Counter,
    failed_exception: Counter,
    failed_no_result: Counter,
    actions: Vec<ActionCounters>,
}

#[derive(Debug)]
struct ActionCounters {
    /// Its place and kind: `1:kafka`.
    name: String,
    matched: Counter,
    success: Counter,
    failed: Counter,
    dropped: Counter,
}

impl RuleCounters {
    fn new(meter: &Meter, rule: &Rule) -> Self {
        let counter = |metric: &Metric| Counter::labelled(metric, meter, [rule.name.clone()]);
        let action = |(place, action): (usize, &rules::Action)| {
            let name = format!("{}:{}", place + 1, action.kind());
            let labels = || [rule.name.clone(), name.clone()];
            let counter = |metric: &Metric| Counter::labelled(metric, meter, labels());
            ActionCounters {
                matched: counter(&metrics::ACTION_MATCHED),
                success: counter(&metrics::ACTION_SUCCESS),
                failed: counter(&metrics::ACTION_FAILED),
                dropped: counter(&metrics::ACTION_DROPPED),
                name,
            }
        };
        let counters = Self {
            matched: counter(&metrics::RULE_MATCHED),
            passed: counter(&metrics::RULE_PASSED),
            failed: counter(&metrics::RULE_FAILED),
            failed_exception: counter(&metrics::RULE_FAILED_EXCEPTION),
            failed_no_result: counter(&metrics::RULE_FAILED_NO_RESULT),
            actions: rule.actions.iter().enumerate().map(action).collect(),
        };
        // A series that is absent until its first event hides that event from `rate()`.
        counters.add(&RuleTally {
            actions: vec![ActionTally::default(); counters.actions.len()],
            ..RuleTally::default()
        });
        counters
    }

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
        let failed = tally.failed_exception + tally.failed_no_result;
        self.matched.add(tally.passed + failed);
        self.passed.add(tally.passed);
        self.failed.add(failed);
        self.failed_exception.add(tally.failed_exception);
        self.failed_no_result.add(tally.failed_no_result);
        for (counters, tally) in self.actions.iter().zip(&tally.actions) {
            counters
                .matched
                .add(tally.success + tally.failed + tally.dropped);
            counters.success.add(tally.success);
            counters.failed.add(tally.failed);
            counters.dropped.add(tally.dropped);
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
    /// Also those of rules that are gone: a counter must not begin again when its rule comes back.
    all: HashMap<Vec<String>, Arc<RuleCounters>>,
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
        let State {
            version,
            current,
            all,
        } = &mut *state;
        pipeline.version().clone_into(version);
        current.clear();
        for rule in pipeline.rules() {
            let actions = rule.actions.iter().map(|action| action.kind().to_owned());
            let key = std::iter::once(rule.name.clone()).chain(actions).collect();
            let counters = all.entry(key);
            let counters =
                counters.or_insert_with(|| Arc::new(RuleCounters::new(&self.meter, rule)));
            current.push((Arc::clone(rule), Arc::clone(counters)));
        }
        current
            .iter()
            .map(|(_, counters)| Arc::clone(counters))
            .collect()
    }

    /// What has been counted.
    pub fn report(&self) -> RulesReport {
        let state = self.state.lock();
        let rule = |(rule, counters): &(Arc<Rule>, Arc<RuleCounters>)| RuleReport {
            name: rule.name.clone(),
            shadow: rule.shadow,
            matched: counters.matched.total(),
            passed: counters.passed.total(),
            failed: counters.failed.total(),
            failed_exception: counters.failed_exception.total(),
            failed_no_result: counters.failed_no_result.total(),
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
