//! A real Prometheus, on a machine that has one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output as Outcome};

use serde_json::Value;
use servers::{ChildCommand, ChildProcess, Output, free_port};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::waiting::{soon, until};

/// The image that compose.yaml runs. Its two programs are static, and run without it, too.
const IMAGE: &str = "prom/prometheus:v3.15.0";

/// The folder of the product's own configuration.
pub(crate) fn product_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose")
}

/// The programs `prometheus` and `promtool`, side by side in one folder.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Those that `LATCHWORK_PROMETHEUS` names the first of, or of PATH, or out of the image; else
    /// the reason why there are none.
    pub(crate) fn find() -> Result<Self, String> {
        if let Some(named) = std::env::var_os("LATCHWORK_PROMETHEUS") {
            let programs = Self(PathBuf::from(named).parent().unwrap().to_owned());
            assert!(
                programs.are_there(),
                "LATCHWORK_PROMETHEUS names no prometheus beside a promtool"
            );
            return Ok(programs);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = std::env::split_paths(&path).map(Self);
        match folders.find(Self::are_there) {
            Some(programs) => Ok(programs),
            None => Self::out_of_image(),
        }
    }

    fn are_there(&self) -> bool {
        ["prometheus", "promtool"]
            .iter()
            .all(|name| self.0.join(name).is_file())
    }

    fn out_of_image() -> Result<Self, String> {
        let programs = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("prometheus-v3.15.0"));
        if programs.are_there() {
            return Ok(programs);
        }
        let container = docker(&["create", IMAGE])?;
        // Another test may do the same: each copies into a folder of its own, the last rename counts.
        let copy = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let copied = ["prometheus", "promtool"].map(|name| {
            let (from, to) = (format!("{container}:/bin/{name}"), copy.path().join(name));
            docker(&["cp", &from, to.to_str().unwrap()])
        });
        docker(&["rm", &container])?;
        for copied in copied {
            copied?;
        }
        std::fs::create_dir_all(&programs.0).unwrap();
        for name in ["prometheus", "promtool"] {
            std::fs::rename(copy.path().join(name), programs.0.join(name)).unwrap();
        }
        Ok(programs)
    }

    /// Runs promtool in the folder of the product's Prometheus files; what it says when it refuses.
    pub(crate) fn promtool(&self, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.0.join("promtool"));
        let folder = product_files().join("prometheus");
        said(
            command
                .args(arguments)
                .current_dir(folder)
                .output()
                .unwrap(),
        )
        .map(|_| ())
    }
}

fn docker(arguments: &[&str]) -> Result<String, String> {
    let no_docker = |error| format!("no prometheus on PATH, and no docker: {error}");
    said(
        Command::new("docker")
            .args(arguments)
            .output()
            .map_err(no_docker)?,
    )
    .map_err(|error| format!("no prometheus on PATH, and docker has no {IMAGE}: {error}"))
}

fn said(outcome: Outcome) -> Result<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if outcome.status.success() {
        Ok(text(outcome.stdout))
    } else {
        Err(format!("{} {}", text(outcome.stdout), text(outcome.stderr)))
    }
}

/// A Prometheus that scrapes as the product's does, with its rules, every second.
pub(crate) struct Prometheus {
    address: String,
    _process: ChildProcess,
    // Its data and its log.
    _folder: TempDir,
}

impl Prometheus {
    /// Starts with the product's configuration; each job's targets are found at these addresses
    /// instead of by DNS.
    pub(crate) async fn start(programs: &Programs, targets: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = product_files().join("prometheus");
        let configuration = std::fs::read_to_string(source.join("prometheus.yml")).unwrap();
        let configuration = with_targets(&configuration, targets)
            .replace("_interval: 5s", "_interval: 1s")
            .replace("scrape_timeout: 3s", "scrape_timeout: 1s");
        std::fs::write(folder.path().join("prometheus.yml"), configuration).unwrap();
        std::fs::copy(source.join("rules.yml"), folder.path().join("rules.yml")).unwrap();
        let address = format!("127.0.0.1:{}", free_port().unwrap());
        let command = ChildCommand::new("prometheus", programs.0.join("prometheus"))
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .args(["--enable-feature=exemplar-storage", "--log.level=warn"])
            .arg(format!("--web.listen-address={address}"))
            .folder(folder.path())
            .output(Output::File(folder.path().join("log")));
        let prometheus = Self {
            _process: ChildProcess::spawn(command).unwrap(),
            address,
            _folder: folder,
        };
        until("Prometheus to be ready", async || {
            prometheus.get("/-/ready").await.is_some()
        })
        .await;
        prometheus
    }

    /// The result of a query: a list of series, each with its value now.
    pub(crate) async fn query(&self, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}", encoded(query));
        let answer = self.answer(&path).await;
        let result = answer["data"]["result"].as_array();
        result
            .unwrap_or_else(|| panic!("{query}: {answer}"))
            .clone()
    }

    /// The values of a query that are numbers.
    pub(crate) async fn values(&self, query: &str) -> Vec<f64> {
        let value = |series: &Value| series["value"][1].as_str()?.parse().ok();
        let result = self.query(query).await;
        let values = result.iter().filter_map(value);
        values.filter(|value: &f64| value.is_finite()).collect()
    }

    /// The trace ids of a metric's exemplars.
    pub(crate) async fn exemplars(&self, metric: &str) -> Vec<String> {
        let path = format!("/api/v1/query_exemplars?start=0&end=9999999999&query={metric}");
        let answer = self.answer(&path).await;
        let series = answer["data"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"));
        let of_series = |one: &Value| one["exemplars"].as_array().cloned().unwrap_or_default();
        let ids = series.iter().flat_map(of_series);
        ids.filter_map(|one| Some(one["labels"]["trace_id"].as_str()?.to_owned()))
            .collect()
    }

    async fn answer(&self, path: &str) -> Value {
        let text = soon("an answer of Prometheus", self.get(path)).await;
        serde_json::from_str(&text.expect("Prometheus answers")).unwrap()
    }

    /// The body of any answer with status 200 or 4xx; `None` while it starts.
    async fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        // HTTP/1.0, so that the body comes in one piece.
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        (!head.contains(" 503 ")).then(|| body.to_owned())
    }
}

/// Puts addresses in the place of each job's DNS name.
fn with_targets(configuration: &str, targets: &[(&str, String)]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in configuration.lines() {
        let of_job = |(job, _): &&(&str, String)| line.contains(&format!("names: [{job}]"));
        let line = match targets.iter().find(of_job) {
            Some((_, address)) => format!("    static_configs: [{{ targets: [\"{address}\"] }}]"),
            None => line.to_owned(),
        };
        lines.push(line);
    }
    let text = lines.join("\n");
    assert!(
        !text.contains("dns_sd_configs"),
        "a job without a target: {text}"
    );
    text
}

fn encoded(query: &str) -> String {
    let digits = data_encoding::HEXUPPER.encode(query.as_bytes());
    let bytes = digits.as_bytes().chunks(2);
    bytes
        .flat_map(|byte| [b"%", byte].concat())
        .map(char::from)
        .collect()
}
