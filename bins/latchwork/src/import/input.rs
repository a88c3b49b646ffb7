//! Files that are imported.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::error::ImportError;

/// The first bytes of a gzip archive.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file that is imported.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Its name, as it was given.
    pub(super) name: Arc<str>,
    /// Its text, without a byte order mark.
    pub(super) text: String,
}

impl Input {
    /// Reads a file; `-` is standard input.
    pub(super) fn read(file: &Path) -> Result<Self, ImportError> {
        let standard = file.as_os_str() == "-";
        let name = if standard {
            "standard input".to_owned()
        } else {
            file.display().to_string()
        };
        let mut bytes = Vec::new();
        let read = if standard {
            std::io::stdin().read_to_end(&mut bytes)
        } else {
            std::fs::read(file).map(|content| {
                bytes = content;
                bytes.len()
            })
        };
        match read {
            Ok(_) => Self::of(name, bytes),
            Err(source) => Err(ImportError::Read { file: name, source }),
        }
    }

    fn of(file: String, bytes: Vec<u8>) -> Result<Self, ImportError> {
        let hint = if bytes.starts_with(&GZIP) {
            "unpack the export (tar xzf FILE), and import the cluster.hocon in it"
        } else {
            "save it as UTF-8"
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(ImportError::NotText { file, hint });
        };
        let text = text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text);
        Ok(Self {
            name: file.into(),
            text,
        })
    }
}
