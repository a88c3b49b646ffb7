//! A real Prometheus, on a machine that has one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use servers::{ChildCommand, ChildProcess, Output, free_port};
use tempfile::TempDir;

use crate::http_get::http_get;
use crate::image_programs::{ImagePrograms, said};
use crate::waiting::{soon, until};

const PROGRAMS: ImagePrograms = ImagePrograms {
    variable: "LATCHWORK_PROMETHEUS",
    image: "prom/prometheus:v3.15.0",
    programs: &[
        ("prometheus", "/bin/prometheus"),
        ("promtool", "/bin/promtool"),
    ],
};

/// The folder of the product's own configuration.
pub(crate) fn product_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose")
}

/// The programs `prometheus` and `promtool`, side by side in one folder.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Those that there are, see [`ImagePrograms::find`]; else the reason why there are none.
    pub(crate) fn find() -> Result<Self, String> {
        PROGRAMS.find().map(Self)
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
        let (status, body) = http_get(&self.address, path).await?;
        (status != 503).then_some(body)
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
