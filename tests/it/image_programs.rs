//! Programs of others that a test needs: named by a variable, on PATH, or out of a docker image.

use std::path::{Path, PathBuf};
use std::process::{Command, Output as Outcome};

/// Programs that come together.
pub(crate) struct ImagePrograms {
    /// Variable that names the first of them.
    pub(crate) variable: &'static str,
    /// The image that compose.yaml runs. Its programs are static, and run without it, too.
    pub(crate) image: &'static str,
    /// Each program's name, and where it is in the image.
    pub(crate) programs: &'static [(&'static str, &'static str)],
}

impl ImagePrograms {
    /// The folder that holds all of them; else the reason why there is none.
    pub(crate) fn find(&self) -> Result<PathBuf, String> {
        if let Some(named) = std::env::var_os(self.variable) {
            let folder = PathBuf::from(named).parent().unwrap().to_owned();
            let Self {
                variable, programs, ..
            } = self;
            assert!(
                self.are_in(&folder),
                "{variable} does not name one of these, in one folder: {programs:?}"
            );
            return Ok(folder);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = std::env::split_paths(&path);
        match folders.find(|folder| self.are_in(folder)) {
            Some(folder) => Ok(folder),
            None => self.out_of_image(),
        }
    }

    fn are_in(&self, folder: &Path) -> bool {
        let mut programs = self.programs.iter();
        programs.all(|(name, _)| folder.join(name).is_file())
    }

    fn out_of_image(&self) -> Result<PathBuf, String> {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = cache.join(self.image.replace(['/', ':'], "-"));
        if self.are_in(&folder) {
            return Ok(folder);
        }
        let container = self.docker(&["create", self.image])?;
        // Another test may do the same: each copies into a folder of its own, the last rename counts.
        let copy = tempfile::tempdir_in(cache).unwrap();
        let copied: Vec<Result<String, String>> = self
            .programs
            .iter()
            .map(|(name, place)| {
                let (from, to) = (format!("{container}:{place}"), copy.path().join(name));
                self.docker(&["cp", &from, to.to_str().unwrap()])
            })
            .collect();
        self.docker(&["rm", &container])?;
        for copied in copied {
            copied?;
        }
        std::fs::create_dir_all(&folder).unwrap();
        for (name, _) in self.programs {
            std::fs::rename(copy.path().join(name), folder.join(name)).unwrap();
        }
        Ok(folder)
    }

    fn docker(&self, arguments: &[&str]) -> Result<String, String> {
        let Self {
            image, programs, ..
        } = self;
        let (name, _) = programs[0];
        let ran = Command::new("docker").args(arguments).output();
        let outcome = ran.map_err(|error| format!("no {name} on PATH, and no docker: {error}"))?;
        said(outcome)
            .map_err(|error| format!("no {name} on PATH, and docker has no {image}: {error}"))
    }
}

/// What a program said that ended well; else both of its streams.
pub(crate) fn said(outcome: Outcome) -> Result<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if outcome.status.success() {
        Ok(text(outcome.stdout))
    } else {
        Err(format!("{} {}", text(outcome.stdout), text(outcome.stderr)))
    }
}
