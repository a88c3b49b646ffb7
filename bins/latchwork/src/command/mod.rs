//! `latchwork command`: signed lock commands, made, checked and sent.

mod keygen;
mod order;
mod send;
mod sign;
mod verify;

use std::io::Write;
use std::path::PathBuf;

use ::command::{KeyError, KeyRing};

#[cfg(test)]
mod tests;

/// Makes, checks and sends signed lock commands.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Begin with a key file, which only the sender and the edge may read:
  latchwork command keygen --file keys
  export LATCHWORK_COMMAND_KEYS_FILE=keys
Then sign a command for a lock, see whether it would pass, and send one:
  latchwork command sign 10083618796833171 unlock
  latchwork command sign 10083618796833171 unlock | latchwork command verify 10083618796833171
  latchwork command send 10083618796833171 unlock
To change the key, put a new line on top of the file: the first key signs, all verify. Take the
old line out when the age window (5 minutes) has passed.")]
pub(crate) struct CommandArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Prints the payload of a signed command.
    Sign(sign::SignArgs),
    /// Says whether a payload is a command that its lock may obey now; exit code 0 only if so.
    ///
    /// Whether it is a replay only the edge can tell: nonces are not looked up here.
    Verify(verify::VerifyArgs),
    /// Signs a command, publishes it to its lock, and tells what the edge answered.
    Send(Box<send::SendArgs>),
    /// Makes a key: prints a new line for the key file, or makes the file.
    Keygen(keygen::KeygenArgs),
}

/// Where the root keys are.
#[derive(Clone, Debug, clap::Args)]
struct KeysArgs {
    /// File of root keys: one `<key id> <64 hex digits>` per line, `#` begins a comment. The first
    /// signs, all verify.
    #[arg(long, env = ::command::KEYS_FILE_ENV, value_name = "FILE")]
    keys_file: PathBuf,
}

impl KeysArgs {
    fn read(&self) -> Result<KeyRing, KeyError> {
        KeyRing::read(&self.keys_file)
    }
}

/// Runs the command.
pub(crate) async fn run(args: CommandArgs, out: &mut impl Write) -> anyhow::Result<()> {
    match args.action {
        Action::Sign(args) => sign::run(&args, out),
        Action::Verify(args) => verify::run(&args, &mut std::io::stdin().lock(), out),
        Action::Send(args) => send::run(*args, out).await,
        Action::Keygen(args) => keygen::run(&args, out),
    }
}
