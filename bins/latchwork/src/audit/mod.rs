//! `latchwork audit`: the tamper-evident log, verified, exported and shown.

mod export;
mod file;
mod kafka_log;
mod progress;
mod show;
mod source;
mod stream;
mod verify;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use ::audit::CheckpointKey;
use stage::NatsArgs;

/// Verifies, exports and shows the tamper-evident log.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 when the log is intact, 1 when something is wrong with it, 2 when it can't be read.
Make a key for the checkpoints, and keep its public half where the log is not:
  latchwork audit keygen audit.key
Verify the log where it is, or a copy offline:
  latchwork audit verify --public-key audit.key.pub
  latchwork audit export log.jsonl
  latchwork audit verify --file log.jsonl --public-key audit.key.pub
Both print each chain's head. Note them: --expect-head shows later that no newest entry is gone.")]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Finds every entry that was changed, removed, inserted, repeated or moved.
    Verify(verify::VerifyArgs),
    /// Writes the log to a file, one entry a line, and verifies it on the way.
    Export(export::ExportArgs),
    /// Shows the entries of a lock.
    Show(show::ShowArgs),
    /// Makes a key that signs checkpoints: FILE (readable by its owner only) and FILE.pub.
    Keygen {
        /// Where it goes; a file that is there is never overwritten.
        file: PathBuf,
        /// Where a key is already, leave it and show it: for scripts that run at every start.
        #[arg(long)]
        keep: bool,
    },
}

/// What came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// All is well.
    Intact,
    /// Something is wrong with the log.
    Faulty,
}

/// Runs the command: exit code 0 when all is well, 1 with findings, 2 when the log can't be read.
pub(crate) fn main(args: AuditArgs) -> ExitCode {
    let verdict = Cell::new(None);
    // It tells an error; its own code for it is that of findings here.
    stage::main(|| async {
        crate::log_to_stderr("warn,librdkafka=error,async_nats=error");
        let mut out = std::io::stdout();
        verdict.set(Some(run(args, &mut out).await?));
        Ok(out.flush()?)
    });
    match verdict.get() {
        Some(Verdict::Intact) => ExitCode::SUCCESS,
        Some(Verdict::Faulty) => ExitCode::from(1),
        None => ExitCode::from(2),
    }
}

/// Runs the command; an error means that the log can't be read.
pub(crate) async fn run(args: AuditArgs, out: &mut impl Write) -> anyhow::Result<Verdict> {
    match args.action {
        Action::Verify(verify) => verify::run(verify, &args.nats, out).await,
        Action::Export(export) => export::run(export, &args.nats, out).await,
        Action::Show(show) => show::run(show, &args.nats, out).await,
        Action::Keygen { file, keep } => {
            let key = if keep && file.exists() {
                CheckpointKey::read(&file)?
            } else {
                CheckpointKey::create(&file)?
            };
            let public = CheckpointKey::public_file(&file);
            writeln!(out, "private key  {}", file.display())?;
            writeln!(out, "public key   {}", public.display())?;
            writeln!(out, "as hex       {}", key.public().to_hex())?;
            writeln!(out, "key id       {}", key.id())?;
            Ok(Verdict::Intact)
        }
    }
}
