//! Contracts, then rules, then hooks.

use std::sync::Arc;

use bytes::Bytes;
use record::{KafkaRecord, Kind, Origin, Record};
use rules::event::RecordEvent;
use settings::{AuditSettings, Pipeline};
use stage::{Handler, Outputs, Reject};
use tokio::sync::watch;

use crate::applying::{Application, Next};
use crate::counters::{ActionTally, RuleTally, RulesBoard};
use crate::output::Output;
use crate::program::{CountedRule, Destination, NamedHook, Program};
use crate::values::Values;

/// Checks the payload of every publish against its contract, does what the rules say, and makes one
/// Kafka record for each hook that wants the event. What nobody wants is dropped on purpose.
///
/// Where there is an audit, the untouched records that it wants go to it as well. The pipeline may
/// change between two batches.
#[derive(Debug)]
pub struct TransformHandler {
    pipeline: watch::Receiver<Arc<Pipeline>>,
    board: RulesBoard,
    audit: Option<Arc<AuditSettings>>,
    program: Program,
    /// What was counted in the batch at hand, by the rule's number.
    tallies: Vec<RuleTally>,
    found: Vec<usize>,
    /// Rules and their actions that handed something on of the record at hand.
    done: Vec<(usize, usize)>,
    values: Values,
}

impl TransformHandler {
    /// The handler of a pipeline that stays as it is, and counts for nobody.
    pub fn new(pipeline: &Pipeline) -> Self {
        let (_, pipeline) = watch::channel(Arc::new(pipeline.clone()));
        Self::following(pipeline, RulesBoard::new(telemetry::no_meter()))
    }

    /// The handler of a pipeline that changes.
    pub fn following(pipeline: watch::Receiver<Arc<Pipeline>>, board: RulesBoard) -> Self {
        let mut pipeline = pipeline;
        let current = Arc::clone(&pipeline.borrow_and_update());
        let program = Program::new(&current, &board);
        Self {
            audit: current.audit().cloned().map(Arc::new),
            tallies: tallies(&program),
            found: Vec::new(),
            done: Vec::new(),
            values: Values::default(),
            pipeline,
            board,
            program,
        }
    }

    /// Puts out what rules and hooks make of a record. Of a dead letter nothing was handed on.
    fn route(
        &mut self,
        record: &Record,
        origin: Origin,
        out: &mut Outputs<Output>,
    ) -> Result<(), Reject> {
        self.done.clear();
        let routed = self.ask_all(record, origin, out);
        if routed.is_err() {
            for (rule, action) in &self.done {
                let tally = self.tallies.get_mut(*rule);
                if let Some(action) = tally.and_then(|tally| tally.actions.get_mut(*action)) {
                    action.withdraw();
                }
            }
        }
        routed
    }

    fn ask_all(
        &mut self,
        record: &Record,
        origin: Origin,
        out: &mut Outputs<Output>,
    ) -> Result<(), Reject> {
        self.program
            .find(record.kind(), record.topic(), &mut self.found);
        let event = RecordEvent::new(record, origin);
        let mut application = Application {
            record,
            event: &event,
            origin,
            index: 0,
            done: &mut self.done,
            out,
        };
        for number in &self.found {
            match self.program.destination(*number) {
                Some(Destination::Hook(hook)) => envelope(&mut self.values, &mut application, hook),
                Some(Destination::Rule(CountedRule { rule, .. })) => {
                    let Some(tally) = self.tallies.get_mut(*number) else {
                        continue;
                    };
                    if application.apply(*number, rule, tally)? == Next::End {
                        break;
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    fn is_for_audit(&self, record: &Record) -> bool {
        let audit = self.audit.as_ref();
        audit.is_some_and(|audit| audit.lock_of(record).is_some())
    }
}

/// Puts out the Kafka record of a hook.
fn envelope(values: &mut Values, application: &mut Application<'_>, hook: &NamedHook) {
    let record = application.record;
    let mut kafka_record = KafkaRecord {
        topic: hook.kafka_topic.clone(),
        key: Some(record.client_id.clone()),
        value: values.envelope(hook.event, record),
        timestamp_ms: record.received_at_ms,
        client_id: record.client_id.clone(),
        is_envelope: true,
        ..KafkaRecord::default()
    };
    application
        .origin
        .stamp(&mut kafka_record, &record.node, application.index);
    application.index += 1;
    application.out.push(Output::Kafka(kafka_record));
}

/// An empty tally for each rule, at its number.
fn tallies(program: &Program) -> Vec<RuleTally> {
    let rules = program.rules();
    rules
        .map(|(_, CountedRule { rule, .. })| RuleTally {
            actions: vec![ActionTally::default(); rule.actions.len()],
            ..RuleTally::default()
        })
        .collect()
}

impl Handler for TransformHandler {
    type In = Record;
    type Out = Output;

    fn begin(&mut self) {
        // An error means that nobody will change it any more.
        if self.pipeline.has_changed().unwrap_or(false) {
            let pipeline = Arc::clone(&self.pipeline.borrow_and_update());
            self.program = Program::new(&pipeline, &self.board);
            self.tallies = tallies(&self.program);
        }
    }

    fn end(&mut self) {
        for (number, CountedRule { counters, .. }) in self.program.rules() {
            if let Some(tally) = self.tallies.get_mut(number) {
                counters.add_and_clear(tally);
            }
        }
    }

    fn version(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.program.version))
    }

    fn handle(
        &mut self,
        record: &Record,
        origin: Origin,
        out: &mut Outputs<Output>,
    ) -> Result<(), Reject> {
        if record.kind() == Kind::Publish {
            self.program
                .contracts
                .check(record.topic(), &record.payload)?;
        }
        if !record.is_refused() {
            self.route(record, origin, out)?;
        }
        if self.is_for_audit(record) {
            out.push(Output::Event(record.clone()));
        }
        Ok(())
    }

    /// Rules about broken contracts hear of it, and so does the audit, without the payload. Pointer
    /// and cause have at most 300 characters each: see [`schema::Violation`].
    fn rejected(
        &mut self,
        record: &Record,
        origin: Origin,
        reject: &Reject,
        out: &mut Outputs<Output>,
    ) {
        let Reject {
            code,
            schema,
            pointer,
            detail,
        } = reject;
        let rejected = Record {
            kind: Kind::Rejected.into(),
            reason: Bytes::from(format!("{code} {schema} {pointer}: {detail}")),
            ..record.clone()
        };
        let event = if schema.is_empty() {
            // A rule's dead letter is a good message all the same.
            record.clone()
        } else {
            // What rules about rejects could not do is told by their own dead letters.
            if let Err(reject) = self.route(&rejected, origin, out) {
                out.reject(reject);
            }
            Record {
                payload: Bytes::new(),
                ..rejected
            }
        };
        if self.is_for_audit(record) {
            out.push(Output::Event(event));
        }
    }
}
