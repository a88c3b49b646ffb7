//! A log in a file: one entry a line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use ::audit::Position;
use anyhow::Context as _;
use bytes::Bytes;

use super::source::Item;

/// Lines that are read together.
const BATCH: usize = 1000;

/// No entry is longer: a frame holds 512 KiB. A file without line feeds must not fill the memory.
const LONGEST: u64 = 1024 * 1024;

/// Reads from a file.
pub(super) struct FileLog {
    name: String,
    reader: BufReader<File>,
    size: u64,
    read: u64,
    line: u64,
}

impl FileLog {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let name = file.display().to_string();
        let open = File::open(file).with_context(|| format!("cannot read {name}"))?;
        Ok(Self {
            size: open.metadata().map_or(0, |metadata| metadata.len()),
            reader: BufReader::with_capacity(256 * 1024, open),
            name,
            read: 0,
            line: 0,
        })
    }

    pub(super) fn next(&mut self) -> anyhow::Result<Option<Vec<Item>>> {
        let mut items = Vec::with_capacity(BATCH);
        while items.len() < BATCH {
            let item = self.line();
            match item.with_context(|| format!("cannot read {}", self.name))? {
                Some(item) => items.push(item),
                None => break,
            }
        }
        Ok((!items.is_empty()).then_some(items))
    }

    fn line(&mut self) -> std::io::Result<Option<Item>> {
        let mut line = Vec::with_capacity(512);
        let (count, is_whole) = self.read_some(&mut line)?;
        if count == 0 {
            return Ok(None);
        }
        self.line += 1;
        if is_whole || count < LONGEST {
            return Ok(Some(Item::Line(Bytes::from(line))));
        }
        loop {
            line.clear();
            let (count, is_whole) = self.read_some(&mut line)?;
            if is_whole || count == 0 {
                break;
            }
        }
        let why = "the line is longer than any entry".to_owned();
        Ok(Some(Item::Broken(Position::Line(self.line), why)))
    }

    /// Reads up to the line feed, or as much as an entry may have.
    fn read_some(&mut self, line: &mut Vec<u8>) -> std::io::Result<(u64, bool)> {
        let mut part = (&mut self.reader).take(LONGEST);
        let count = part.read_until(b'\n', line)? as u64;
        self.read += count;
        Ok((count, line.ends_with(b"\n")))
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read, self.size)
    }
}
