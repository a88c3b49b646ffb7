//! `latchwork audit export`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use stage::NatsArgs;

use super::Verdict;
use super::source::KafkaLogArgs;
use super::verify::Against;

/// What to export, and where to.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// Where it goes, readable by its owner only; a file that is there is never overwritten.
    file: PathBuf,
    #[command(flatten)]
    kafka: KafkaLogArgs,
    #[command(flatten)]
    against: Against,
}

/// Runs the command. The file appears when it is whole, also if the log is faulty: it is the
/// evidence then.
pub(super) async fn run(
    args: ExportArgs,
    nats: &NatsArgs,
    out: &mut impl Write,
) -> anyhow::Result<Verdict> {
    let file = &args.file;
    ensure!(
        !file.exists(),
        "{} is there already; an export never overwrites one",
        file.display()
    );
    let source = args.kafka.open(nats, None).await?;
    let part = Part::create(file)?;
    let mut lines = BufWriter::new(&part.file);
    let take = |item: &super::source::Item| {
        lines.write_all(item.entry().unwrap_or_default())?;
        lines.write_all(b"\n")
    };
    let report = args.against.read(source, take).await?;
    lines
        .flush()
        .with_context(|| format!("cannot write {}", part.name.display()))?;
    drop(lines);
    part.complete(file)?;
    args.against.print(&report, out)
}

/// A file that is not whole yet, and goes if it never will be.
struct Part {
    file: File,
    name: PathBuf,
}

impl Part {
    fn create(whole: &Path) -> anyhow::Result<Self> {
        let mut name = whole.as_os_str().to_owned();
        name.push(".part");
        let name = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options
            .open(&name)
            .with_context(|| format!("cannot write {}", name.display()))?;
        Ok(Self { file, name })
    }

    fn complete(self, whole: &Path) -> anyhow::Result<()> {
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.name, whole))
            .with_context(|| format!("cannot write {}", whole.display()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After completion it is not there any more.
        drop(fs::remove_file(&self.name));
    }
}
