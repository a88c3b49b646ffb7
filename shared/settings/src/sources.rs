//! The files that a pipeline is written in, as they are read at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::SettingsError;

/// Folder beside the pipeline file whose `*.toml` hold further rules.
const RULES: &str = "rules";

/// The pipeline file, those with rules, and the schemas that it names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sources {
    pipeline: Source,
    /// In the order of their names.
    rules: Vec<Source>,
    /// Only their change counts here: whoever compiles them reads them.
    schemas: Vec<Source>,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
}

impl Sources {
    /// Reads a pipeline file and the rules beside it.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let pipeline = Source::read(file).map_err(|source| SettingsError::Read {
            file: file.to_owned(),
            source,
        })?;
        let folder = file.parent().unwrap_or(Path::new("")).join(RULES);
        let unreadable = |file| move |source| SettingsError::ReadRules { file, source };
        let files = rule_files(&folder).map_err(unreadable(folder))?;
        let rules = files.into_iter().map(|file| {
            let source = Source::read(&file);
            source.map_err(unreadable(file))
        });
        Ok(Self {
            schemas: schemas(&pipeline),
            pipeline,
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// A file that is in memory, alone.
    pub fn of_text(file: &Path, text: &str) -> Self {
        Self {
            pipeline: Source {
                file: file.to_owned(),
                text: text.to_owned(),
            },
            rules: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// Whether nothing is written in the pipeline file: whoever is about to write it has begun with
    /// that.
    pub fn is_empty(&self) -> bool {
        self.pipeline.text.trim().is_empty()
    }

    pub(crate) fn pipeline(&self) -> &Source {
        &self.pipeline
    }

    pub(crate) fn rules(&self) -> &[Source] {
        &self.rules
    }

    /// Tells this content from another: 16 hex digits.
    pub fn version(&self) -> String {
        let mut all = Vec::new();
        let all_files = [
            std::slice::from_ref(&self.pipeline),
            &self.rules,
            &self.schemas,
        ];
        for source in all_files.into_iter().flatten() {
            // With their lengths, so that text that moves to another file is another content.
            all.extend_from_slice(&source.text.len().to_le_bytes());
            all.extend_from_slice(source.text.as_bytes());
        }
        format!("{:016x}", record::fingerprint(&all))
    }
}

impl Source {
    fn read(file: &Path) -> io::Result<Self> {
        Ok(Self {
            text: fs::read_to_string(file)?,
            file: file.to_owned(),
        })
    }
}

/// What of a pipeline file names schemas.
#[derive(Default, Deserialize)]
struct SchemaNames {
    #[serde(default)]
    contract: Vec<SchemaName>,
    #[serde(default)]
    topic: Vec<SchemaName>,
}

#[derive(Deserialize)]
struct SchemaName {
    schema: Option<String>,
}

/// The schema files that there are of those that a pipeline names. What is wrong with one is told
/// when it is compiled.
fn schemas(pipeline: &Source) -> Vec<Source> {
    let names: SchemaNames = toml::from_str(&pipeline.text).unwrap_or_default();
    let folder = pipeline.file.parent().unwrap_or(Path::new(""));
    let entries = names.contract.into_iter().chain(names.topic);
    entries
        .filter_map(|entry| Source::read(&folder.join(entry.schema?)).ok())
        .collect()
}

/// The `*.toml` of a folder, which need not be there, by name. What begins with a dot is hidden:
/// editors keep their drafts and locks under such names.
fn rule_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        if name.ends_with(b".toml") && !name.starts_with(b".") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
