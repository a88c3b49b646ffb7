//! The pages for people.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page, with its path from the root of the repository.
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The README and everything below `docs/`.
pub(super) fn all() -> Vec<Page> {
    let mut paths = vec![PathBuf::from("README.md")];
    for folder in ["docs", "docs/reference"] {
        let entries = std::fs::read_dir(repository().join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let names = names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"));
        paths.extend(names.map(|name| Path::new(folder).join(name)));
    }
    paths.sort();
    let read = |path: PathBuf| Page {
        text: std::fs::read_to_string(repository().join(&path)).unwrap(),
        path,
    };
    paths.into_iter().map(read).collect()
}
