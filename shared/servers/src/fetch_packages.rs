//! Fetches packages that client programs in other languages need, or finds them in the cache.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::command::ChildCommand;
use crate::error::ServerError;
use crate::lookup::{Lookup, run_step};

/// The folder for `PYTHONPATH` that holds these packages. `requirements` is a pip requirements
/// file that names each package with its version and hashes, also those that others need.
///
/// A [`ServerError::NoProgram`] says that there is no python3 here.
pub async fn python_packages(requirements: &str) -> Result<PathBuf, ServerError> {
    let lookup = Lookup::from_environment()?;
    let python = program(&lookup, "python3")?;
    let fetch = async |part: PathBuf| {
        tracing::info!("fetching Python packages with pip");
        let file = write(&part, "requirements.txt", requirements)?;
        let install = ChildCommand::new("pip install", python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--retries", "2"])
            .args(["--no-deps", "--only-binary=:all:", "--no-compile"])
            .args(["--require-hashes", "--requirement"])
            .arg(file)
            .arg("--target")
            .arg(&part);
        run_step(install, &part.join("pip.log")).await
    };
    let name = format!("python-packages-{}", mark(&[requirements]));
    lookup.cache.fill(&name, fetch).await
}

/// The folder that holds `node_modules` with these packages. `manifest` is a package.json, `lock`
/// its package-lock.json with the hash of each package. No package's own scripts are run.
///
/// A [`ServerError::NoProgram`] says that node or npm is not here.
pub async fn node_packages(manifest: &str, lock: &str) -> Result<PathBuf, ServerError> {
    let lookup = Lookup::from_environment()?;
    program(&lookup, "node")?;
    let npm = program(&lookup, "npm")?;
    let fetch = async |part: PathBuf| {
        tracing::info!("fetching Node packages with npm");
        write(&part, "package.json", manifest)?;
        write(&part, "package-lock.json", lock)?;
        let install = ChildCommand::new("npm ci", npm)
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .folder(&part);
        run_step(install, &part.join("npm.log")).await
    };
    let name = format!("node-packages-{}", mark(&[manifest, lock]));
    lookup.cache.fill(&name, fetch).await
}

fn program(lookup: &Lookup, name: &'static str) -> Result<PathBuf, ServerError> {
    lookup.find(name).ok_or_else(|| ServerError::NoProgram {
        name: name.to_owned(),
        program: name.into(),
    })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, ServerError> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(ServerError::file("write", &path))?;
    Ok(path)
}

/// Tells pinned versions apart. It may differ between builds of this crate: then they are fetched
/// once more.
fn mark(texts: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    /// Scenario: nothing is on the search path.
    /// Guarantee: the error is the one that a test skips for, and names what is missing.
    #[test]
    fn a_missing_program_is_named() {
        let empty = tempfile::tempdir().unwrap();
        let lookup = Lookup {
            search_path: empty.path().into(),
            cache: Cache::at(empty.path().to_owned()),
        };
        let error = program(&lookup, "npm").unwrap_err();
        assert!(matches!(error, ServerError::NoProgram { .. }));
        assert!(error.to_string().contains("npm"), "{error}");
    }

    /// Scenario: another version is pinned; the same text is cut elsewhere.
    /// Guarantee: it gets a folder of its own.
    #[test]
    fn other_pins_have_another_folder() {
        assert_eq!(mark(&["a==1"]), mark(&["a==1"]));
        assert_ne!(mark(&["a==1"]), mark(&["a==2"]));
        assert_ne!(mark(&["ab", "c"]), mark(&["a", "bc"]));
    }
}
