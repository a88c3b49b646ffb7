//! Why a schema can't be used.

use std::io;
use std::path::PathBuf;

/// Why a schema can't be used; each says what, where, and what to do, in one line.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Neither a built-in schema nor a file.
    #[error("there is no schema `{name}`: it is neither built in ({built_in}) nor the file {}", .file.display())]
    Unknown {
        /// As it was written.
        name: String,
        /// Names of the built-in ones.
        built_in: String,
        /// Where a file was looked for.
        file: PathBuf,
    },
    /// The file can't be read.
    #[error("cannot read the schema file {}: {source}; check its path and permissions", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The file is no JSON.
    #[error("{place} is not JSON: {source}; correct it there")]
    Json {
        /// The schema file.
        place: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// It refers to a document outside itself.
    #[error(
        "{place}, at {pointer}: refers to {reference}, which is not in it, and nothing is fetched; copy that schema into its $defs"
    )]
    Reference {
        /// The schema file.
        place: String,
        /// JSON pointer to the reference.
        pointer: String,
        /// What it refers to.
        reference: String,
    },
    /// It is JSON, but no schema.
    #[error("{place}, at {pointer}: {text}; {advice}")]
    Invalid {
        /// The schema file.
        place: String,
        /// JSON pointer to what is wrong.
        pointer: String,
        /// What is wrong.
        text: String,
        /// What to do.
        advice: &'static str,
    },
}
