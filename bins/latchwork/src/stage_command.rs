//! `latchwork stage NAME`: one stage in this process, as the small binaries run it.

/// Runs one stage in this process. The small binaries of the same names do exactly this.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StageCommandArgs {
    #[command(subcommand)]
    stage: StageName,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum StageName {
    /// Speaks MQTT, and acknowledges a message when JetStream has it.
    MqttEdge(Box<mqtt_edge::Args>),
    /// Checks payloads, and makes the Kafka records that the hooks ask for.
    Transform(Box<transform::Args>),
    /// Writes the Kafka records.
    KafkaSink(Box<kafka_sink::Args>),
    /// Watches locks and commands, keeps the audit log, and tells people.
    AuditNotifier(Box<audit_notifier::Args>),
}

/// Runs the stage until it is told to stop.
pub(crate) async fn run(args: StageCommandArgs) -> anyhow::Result<()> {
    match args.stage {
        StageName::MqttEdge(args) => Box::pin(mqtt_edge::run(*args)).await,
        StageName::Transform(args) => transform::run(*args).await,
        StageName::KafkaSink(args) => kafka_sink::run(*args).await,
        StageName::AuditNotifier(args) => audit_notifier::run(*args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    /// Scenario: every stage of the topology's table is named on the command line.
    /// Guarantee: there is a command for each.
    #[test]
    fn every_stage_has_its_command() {
        for flow in topology::FLOWS {
            let words = ["latchwork", "stage", flow.stage, "--kafka", "k:1"];
            let words = if flow.stage == "kafka-sink" {
                &words[..]
            } else {
                &words[..3]
            };
            crate::Cli::try_parse_from(words).unwrap();
        }
    }
}
