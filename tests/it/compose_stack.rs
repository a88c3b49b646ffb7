//! The compose stack, as a project of its own beside any other.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use kafka::KafkaConnection;
use serde_json::Value;
use servers::free_port;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::payloads::unique;

/// Whatever docker is asked for.
const ANSWER: Duration = Duration::from_mins(3);

/// A running stack. Dropping takes it down, with its volumes.
pub(crate) struct ComposeStack {
    project: String,
    mqtt: String,
    ws: String,
    kafka: String,
    nats: String,
    folder: TempDir,
}

impl ComposeStack {
    /// Brings everything up; the reason when this machine can't do so, or when nobody has said that
    /// the images are those of this very code: an image of yesterday would prove nothing, and a build
    /// takes longer than all other tests together.
    pub(crate) async fn start() -> Result<Self, String> {
        docker(&["info"]).await?;
        if std::env::var_os("LATCHWORK_TAG").is_none() {
            return Err("no images are named; \
                 run `docker compose --file compose/compose.yaml build`, then set LATCHWORK_TAG=dev"
                .to_owned());
        }
        let address = || format!("127.0.0.1:{}", free_port().unwrap());
        let stack = Self {
            project: unique("compose"),
            mqtt: address(),
            ws: address(),
            kafka: address(),
            nats: address(),
            folder: tempfile::tempdir().unwrap(),
        };
        stack.can_run().await?;
        std::fs::write(stack.override_file(), stack.publish_nats()).unwrap();
        let begun = Instant::now();
        stack.up(&[]).await;
        tell(&format!(
            "stack healthy after {} s",
            begun.elapsed().as_secs()
        ));
        Ok(stack)
    }

    /// Brings up what is not there yet, and waits until everything is healthy.
    pub(crate) async fn up(&self, options: &[&str]) {
        let words = ["up", "--detach", "--wait", "--wait-timeout", "120"];
        self.compose(&[&words, options].concat()).await;
    }

    /// SIGKILL to one replica; docker does not start it again.
    pub(crate) async fn kill(&self, service: &str, replica: u32) {
        let container = format!("{}-{service}-{replica}", self.project);
        let killed = docker(&["kill", &container]).await;
        killed.unwrap_or_else(|why| panic!("{why}"));
    }

    /// How many containers of a service run.
    pub(crate) async fn running(&self, service: &str) -> usize {
        let mut docker = self.command();
        docker.args(["ps", "--quiet", "--status", "running", service]);
        let output = run(docker).await.unwrap_or_else(|why| panic!("{why}"));
        String::from_utf8_lossy(&output.stdout).lines().count()
    }

    /// Where MQTT clients on this machine connect.
    pub(crate) fn mqtt(&self) -> &str {
        &self.mqtt
    }

    /// Kafka's published listener.
    pub(crate) fn kafka(&self) -> KafkaConnection {
        KafkaConnection::new(&self.kafka).unwrap()
    }

    /// nats-server, which only this test publishes.
    pub(crate) fn nats_url(&self) -> String {
        format!("nats://{}", self.nats)
    }

    /// Docker answers, has compose, and has or gets the images that others make.
    async fn can_run(&self) -> Result<(), String> {
        docker(&["compose", "version"]).await?;
        for image in foreign_images() {
            if docker(&["image", "inspect", &image]).await.is_err() {
                docker(&["pull", "--quiet", &image]).await?;
            }
        }
        Ok(())
    }

    /// The account of what is lost takes a look at the streams.
    fn publish_nats(&self) -> String {
        format!(
            "services:\n  nats:\n    networks: [published]\n    ports: [\"{}:4222\"]\n",
            self.nats
        )
    }

    fn override_file(&self) -> PathBuf {
        self.folder.path().join("override.yaml")
    }

    async fn compose(&self, words: &[&str]) {
        let mut docker = self.command();
        docker.args(words);
        if let Err(why) = run(docker).await {
            panic!("{why}");
        }
    }

    /// `docker compose` on this project, in surroundings that are this test's alone.
    fn command(&self) -> Command {
        let mut docker = Command::new("docker");
        docker
            .args(["compose", "--project-name", &self.project, "--file"])
            .arg(compose_folder().join("compose.yaml"))
            .arg("--file")
            .arg(self.override_file())
            .env("PUBLISH_MQTT", &self.mqtt)
            .env("PUBLISH_WS", &self.ws)
            .env("PUBLISH_KAFKA", &self.kafka)
            .env_remove("COMPOSE_PROFILES")
            .env_remove("LATCHWORK_PIPELINE")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "");
        docker
    }
}

impl Drop for ComposeStack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let words = ["logs", "--no-color", "--tail", "25"];
            self.command().as_std_mut().args(words).status().ok();
        }
        let words = ["down", "--volumes", "--timeout", "2"];
        let mut down = self.command();
        down.as_std_mut()
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .ok();
    }
}

/// Straight to standard error, past what the test framework keeps to itself.
pub(crate) fn tell(line: &str) {
    writeln!(std::io::stderr(), "compose: {line}").ok();
}

/// Runs a docker command to its end; what it prints, or its own words when it fails.
pub(crate) async fn docker(words: &[&str]) -> Result<String, String> {
    let mut docker = Command::new("docker");
    docker.args(words);
    let output = run(docker).await?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The compose file as docker understands it, with every profile; the reason without docker compose.
pub(crate) async fn compose_config() -> Result<Value, String> {
    merged_config(&["compose.yaml"]).await
}

/// The same with `secured.yaml` over it.
pub(crate) async fn secured_config() -> Result<Value, String> {
    merged_config(&["compose.yaml", "secured.yaml"]).await
}

async fn merged_config(files: &[&str]) -> Result<Value, String> {
    let mut docker = Command::new("docker");
    docker.arg("compose");
    for file in files {
        docker.arg("--file").arg(compose_folder().join(file));
    }
    docker
        .args(["--profile", "*", "config", "--format", "json"])
        .env_remove("LATCHWORK_PIPELINE")
        .env("LATCHWORK_EDGE_FILES", "/etc/edge-files");
    let output = run(docker).await?;
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

/// Runs a command to its end; its own words when it fails.
async fn run(mut command: Command) -> Result<Output, String> {
    let shown = format!("{:?}", command.as_std());
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(ANSWER, output)
        .await
        .map_err(|_late| format!("{shown} takes longer than {} s", ANSWER.as_secs()))?
        .map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{shown}: {}: {}", output.status, words.trim()))
}

/// Images that the stack is made of and that are not its own.
fn foreign_images() -> Vec<String> {
    let compose = std::fs::read_to_string(compose_folder().join("compose.yaml")).unwrap();
    let mut images: Vec<String> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("image: "))
        .filter_map(|rest| rest.split_whitespace().next())
        .filter(|image| !image.starts_with("latchwork/"))
        .map(str::to_owned)
        .collect();
    images.sort_unstable();
    images.dedup();
    images
}

fn compose_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose")
}
