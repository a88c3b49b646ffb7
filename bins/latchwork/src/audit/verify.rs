//! `latchwork audit verify`.

use std::io::Write;
use std::path::{Path, PathBuf};

use ::audit::{ExpectedHead, PublicKey, Report, Verification};
use serde_json::Value;
use stage::NatsArgs;

use super::Verdict;
use super::file::FileLog;
use super::progress::Progress;
use super::source::{Item, KafkaLogArgs, LogSource};

/// What to verify, and what to hold it against.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// Read an exported file instead of NATS.
    #[arg(long, value_name = "FILE", conflicts_with = "kafka")]
    file: Option<PathBuf>,
    #[command(flatten)]
    kafka: KafkaLogArgs,
    #[command(flatten)]
    against: Against,
}

/// What a log is held against.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Against {
    /// Public key of the checkpoints: PEM or 64 hex digits.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// A head that was printed earlier; the log must go through it. Shows that the newest entries
    /// are gone, which nothing in a log can. May be given several times.
    #[arg(long, value_name = "CHAIN:SEQ:HASH")]
    expect_head: Vec<ExpectedHead>,
    /// One JSON object with everything that was found.
    #[arg(long)]
    json: bool,
}

impl Against {
    /// Reads a log to its end, and hands over what is new in it.
    pub(super) async fn read(
        &self,
        mut source: LogSource,
        mut take: impl FnMut(&Item) -> std::io::Result<()>,
    ) -> anyhow::Result<Report> {
        let key = self
            .public_key
            .as_deref()
            .map(PublicKey::read)
            .transpose()?;
        let mut verification = Verification::new(key.as_ref()).with_repeats(source.repeats());
        for head in &self.expect_head {
            verification = verification.expecting(*head);
        }
        let progress = Progress::new();
        while let Some(items) = source.next().await? {
            for item in &items {
                if item.verify(&mut verification) {
                    take(item)?;
                }
            }
            progress.update(&source, verification.entries());
        }
        Ok(verification.finish())
    }

    /// Prints what came out.
    pub(super) fn print(&self, report: &Report, out: &mut impl Write) -> anyhow::Result<Verdict> {
        if self.json {
            let mut json = serde_json::to_value(report)?;
            if let Some(members) = json.as_object_mut() {
                members.insert("intact".to_owned(), Value::from(report.is_intact()));
            }
            writeln!(out, "{json}")?;
        } else {
            self.print_text(report, out)?;
        }
        Ok(if report.is_intact() {
            Verdict::Intact
        } else {
            Verdict::Faulty
        })
    }

    fn print_text(&self, report: &Report, out: &mut impl Write) -> std::io::Result<()> {
        for finding in &report.findings {
            writeln!(out, "{finding}")?;
        }
        if report.further_findings > 0 {
            writeln!(out, "and {} more findings", report.further_findings)?;
        }
        for chain in &report.chains {
            let signed = match (chain.signed_seq, &self.public_key) {
                (Some(seq), _) => format!(", signed up to {seq}"),
                (None, Some(_)) => ", not signed".to_owned(),
                (None, None) => String::new(),
            };
            writeln!(out, "head {}{signed}", chain.head())?;
        }
        let findings = report.findings.len() as u64 + report.further_findings;
        let verdict = match findings {
            0 => "intact".to_owned(),
            findings => counted(findings, "finding", "findings"),
        };
        let repeats = match report.repeats {
            0 => String::new(),
            repeats => format!(", {}", counted(repeats, "exact repeat", "exact repeats")),
        };
        writeln!(
            out,
            "{} in {}, {}{repeats}: {verdict}",
            counted(report.entries, "entry", "entries"),
            counted(report.chains.len() as u64, "chain", "chains"),
            counted(report.checkpoints, "checkpoint", "checkpoints"),
        )
    }
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Runs the command.
pub(super) async fn run(
    args: VerifyArgs,
    nats: &NatsArgs,
    out: &mut impl Write,
) -> anyhow::Result<Verdict> {
    let source = match args.file.as_deref() {
        Some(file) => open_file(file)?,
        None => args.kafka.open(nats, None).await?,
    };
    let report = args.against.read(source, |_| Ok(())).await?;
    args.against.print(&report, out)
}

fn open_file(file: &Path) -> anyhow::Result<LogSource> {
    FileLog::open(file).map(LogSource::File)
}
