//! `latchwork load` itself.

use std::io::Write;

use super::args::LoadArgs;
use super::run::run;
use super::sample::Second;

/// Runs the command: a line each second on standard error, the report on standard output. Fails
/// when acknowledged messages are lost.
pub async fn run_command(args: LoadArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = args.settings()?;
    let report = run(settings, stage::stop_signal(), tell).await?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        writeln!(out, "{report}")?;
    }
    out.flush()?;
    // QoS 0 may lose.
    let lost = report
        .audit
        .lost
        .filter(|_| report.conditions.qos > 0)
        .unwrap_or_default();
    anyhow::ensure!(lost == 0, "{lost} acknowledged messages are not in Kafka");
    Ok(())
}

fn tell(second: &Second) {
    let Second {
        second: number,
        due,
        acknowledged,
        ..
    } = second;
    let backlog = second.backlog();
    let kafka = second
        .lag()
        .map(|lag| format!(", lag to Kafka {lag}"))
        .unwrap_or_default();
    tracing::info!(
        "second {number}: due {due}, acknowledged {acknowledged}, waiting {backlog}{kafka}"
    );
}
