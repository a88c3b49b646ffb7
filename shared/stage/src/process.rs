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
fn failed(error: &anyhow::Error) -> ExitCode {
    if matches!(error.downcast_ref(), Some(StartError::Stopped)) {
        return ExitCode::SUCCESS;
    }
    let mut line = format!("{error:#}");
    line.push('\n');
    // Nothing is left to tell when standard error is closed.
    drop(std::io::stderr().write_all(format!("error: {line}").as_bytes()));
    ExitCode::FAILURE
}
