//! A password typed on a terminal, and not shown.

use std::io::{ErrorKind, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest typed password, in bytes.
const LONGEST: usize = 1024;

const INTERRUPT: u8 = 0x03;
const END_OF_INPUT: u8 = 0x04;
const KILL_LINE: u8 = 0x15;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];

/// Asks until it was typed the same way twice; three times at most.
pub(super) fn ask_twice(user: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut notes = std::io::stderr();
    for _ in 0..3 {
        let first = ask(&mut notes, &format!("Password for {user}: "))?;
        let second = ask(&mut notes, "The same again: ")?;
        if first == second {
            return Ok(first);
        }
        writeln!(notes, "They differ; try again.")?;
    }
    anyhow::bail!("the passwords differ; nothing was changed")
}

fn ask(notes: &mut impl Write, question: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    write!(notes, "{question}")?;
    notes.flush()?;
    let quiet = Quiet::begin()?;
    let typed = read_typed(&mut std::io::stdin().lock());
    drop(quiet);
    writeln!(notes)?;
    typed?.ok_or_else(|| anyhow::anyhow!("interrupted; nothing was changed"))
}

/// The terminal without echo, byte by byte; as it was before when this is dropped. Signals are off,
/// so that no interrupt leaves the terminal mute: the byte comes through instead.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0) {
            tracing::warn!(%error, "the terminal can't be set back; `stty sane` does it");
        }
    }
}

/// A line as it is typed, with corrections; `None` when it is broken off.
pub(super) fn read_typed(input: &mut impl Read) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = [0];
    loop {
        if input.read(&mut byte)? == 0 {
            return Ok((!line.is_empty()).then_some(line));
        }
        let [typed] = byte;
        match typed {
            b'\r' | b'\n' => return Ok(Some(line)),
            INTERRUPT => return Ok(None),
            END_OF_INPUT if line.is_empty() => return Ok(None),
            KILL_LINE => line.clear(),
            typed if BACKSPACE.contains(&typed) => erase(&mut line),
            _ if line.len() >= LONGEST => {
                let told = "a typed password has up to 1024 bytes; use --password-file";
                return Err(std::io::Error::new(ErrorKind::InvalidInput, told));
            }
            typed => line.push(typed),
        }
    }
}

/// Takes the last character away, with all its bytes.
fn erase(line: &mut Vec<u8>) {
    while let Some(byte) = line.pop() {
        if byte & 0xc0 != 0x80 {
            return;
        }
    }
}
