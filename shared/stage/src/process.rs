//! What the `main` of every stage does.

use std::io::Write;
use std::process::ExitCode;

use crate::error::StartError;

/// Runs a stage to its end: 0 after a clean end, 1 with one clear line when it could not start.
///
/// One thread per core; set `TOKIO_WORKER_THREADS` for fewer.
pub fn main<F>(run: impl FnOnce() -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(async { run().await });
    // Threads that still hold something must not hold the end up.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Prints the whole cause in one line.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    if matches!(error.downcast_ref(), Some(StartError::Stopped)) {
        return ExitCode::SUCCESS;
    }
    let line = format!("error: {}\n", causes(error).replace('\n', " "));
    // Nothing is left to tell when standard error is closed.
    drop(std::io::stderr().write_all(line.as_bytes()));
    ExitCode::FAILURE
}

/// The error and its causes, each once: many errors tell their cause themselves.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    /// Scenario: an error whose text holds its cause's already, behind another one.
    /// Guarantee: one line, each cause once.
    #[test]
    fn causes_are_told_once() {
        let io = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let text = format!("cannot listen: {io}");
        let error = Err::<(), _>(io)
            .context(text)
            .context("no start")
            .unwrap_err();
        assert_eq!(
            super::causes(&error),
            "no start: cannot listen: address in use"
        );
    }
}
