//! `latchwork passwd`: the edge's password file.

mod prompt;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use access::{HashKind, PasswordFileEdit};
use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::text::visible;

/// Longest password that MQTT can carry, in bytes.
const MAX_PASSWORD: usize = 65_535;

/// Sets a user's password in the edge's password file, or deletes the user. The edge reads the file
/// again within seconds.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
For instance:
  latchwork passwd passwords alice
  latchwork passwd passwords lock-7 --password-file - < secret
  latchwork passwd passwords alice --delete
Comments and the order of lines stay as they are; only the file's owner may read it (0600).")]
pub(crate) struct PasswdArgs {
    /// The password file; made when it is not there yet.
    file: PathBuf,
    /// The user.
    user: String,
    /// Delete the user.
    #[arg(long, conflicts_with_all = ["password_file", "hash"])]
    delete: bool,
    /// Read the password from this file, without the line end at its end; `-` is standard input.
    /// Without this, it is asked for on the terminal, and not shown.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How the password is hashed.
    #[arg(long, value_name = "KIND", default_value = "argon2id")]
    hash: HashKind,
}

/// Runs the command.
pub(crate) fn run(args: &PasswdArgs, out: &mut impl Write) -> anyhow::Result<()> {
    // Not locked here: the question on the terminal reads it, too.
    let mut stdin = std::io::stdin();
    let terminal = stdin.is_terminal();
    run_with(args, &mut stdin, out, |user| {
        // Scripts pipe the password in without saying so, too.
        terminal.then(|| prompt::ask_twice(user))
    })
}

fn run_with(
    args: &PasswdArgs,
    input: &mut impl Read,
    out: &mut impl Write,
    ask: impl FnOnce(&str) -> Option<anyhow::Result<Zeroizing<Vec<u8>>>>,
) -> anyhow::Result<()> {
    let mut edit = PasswordFileEdit::open(&args.file)?;
    let user = visible(args.user.as_bytes());
    if args.delete {
        anyhow::ensure!(
            edit.delete(&args.user),
            "{} has no user {user:?}",
            args.file.display()
        );
        edit.save()?;
        writeln!(out, "{user}: deleted")?;
        return Ok(());
    }
    let password = match args.password_file.as_deref() {
        Some(file) if file == Path::new("-") => read(input).context("standard input")?,
        Some(file) => File::open(file)
            .map_err(anyhow::Error::from)
            .and_then(|mut file| read(&mut file))
            .with_context(|| format!("cannot read the password in {}", file.display()))?,
        None => match ask(&user) {
            Some(asked) => asked?,
            None => read(input).context("standard input")?,
        },
    };
    let new = edit.set(&args.user, &args.hash.hash(&password)?)?;
    edit.save()?;
    writeln!(out, "{user}: {}", if new { "added" } else { "changed" })?;
    Ok(())
}

/// A password without the line end at its end.
fn read(input: &mut impl Read) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    // Reserved at once: bytes that move would leave copies behind.
    let mut password = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD + 3));
    let limit = MAX_PASSWORD as u64 + 3;
    input.take(limit).read_to_end(&mut password)?;
    if password.last() == Some(&b'\n') {
        password.pop();
        if password.last() == Some(&b'\r') {
            password.pop();
        }
    }
    anyhow::ensure!(
        password.len() <= MAX_PASSWORD,
        "the password has more than 65,535 bytes, which MQTT can't carry"
    );
    anyhow::ensure!(
        !password.contains(&b'\n'),
        "the password has more than one line"
    );
    Ok(password)
}
