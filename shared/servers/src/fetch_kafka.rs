//! Fetches Kafka, or finds it in the cache.

use std::path::PathBuf;

use crate::command::ChildCommand;
use crate::container;
use crate::error::ServerError;
use crate::lookup::{Lookup, Tried, run_step, version_text};

/// The version that is fetched.
pub const KAFKA_VERSION: &str = "4.1.1";

/// Kafka 4's broker needs Java 17 (its upgrade notes).
const JAVA_MINIMUM: u32 = 17;
const IMAGE: &str = "apache/kafka:4.1.1";
const REMEDY: &str = "Java 17 or newer with Maven (mvn); docker with its daemon running; the address of a Kafka that runs already in LATCHWORK_KAFKA";

// Pinned, since Maven would otherwise take the newest one.
const COPY_DEPENDENCIES: &str =
    "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

// slf4j-simple logs to standard error; without a binding the broker's log would be lost.
// 1.7.36 fits the slf4j-api that Kafka 4.1.1 depends on.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>latchwork</groupId>
  <artifactId>kafka-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.1.1</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"#;

/// A Kafka that can be started.
#[derive(Debug)]
pub(crate) enum KafkaProgram {
    /// This `java`, with the jars of this folder.
    Jars { java: PathBuf, jars: PathBuf },
    /// The image, run by this `docker`.
    Image {
        docker: PathBuf,
        image: &'static str,
    },
}

/// The jars from the cache, else fetched by Maven; else the docker image.
pub(crate) async fn locate(lookup: &Lookup) -> Result<KafkaProgram, ServerError> {
    let mut tried = Tried::default();
    match with_java(lookup).await {
        Ok(program) => return Ok(program),
        Err(why) => tried.note("Java and Maven", why),
    }
    match container::pull(lookup, IMAGE).await {
        Ok(docker) => {
            return Ok(KafkaProgram::Image {
                docker,
                image: IMAGE,
            });
        }
        Err(why) => tried.note("docker", why),
    }
    Err(tried.into_error(format!("Kafka {KAFKA_VERSION}"), REMEDY))
}

async fn with_java(lookup: &Lookup) -> Result<KafkaProgram, String> {
    let java = lookup.find("java").ok_or("no java on PATH")?;
    let text = version_text(&java, "-version").await?;
    match java_version_in(&text) {
        Some(version) if version >= JAVA_MINIMUM => {}
        Some(version) => {
            return Err(format!(
                "{} is too old: version {version}, needed is {JAVA_MINIMUM} or newer",
                java.display()
            ));
        }
        None => return Err(format!("{} does not tell its version", java.display())),
    }
    let name = format!("kafka-{KAFKA_VERSION}");
    let filled = lookup
        .cache
        .fill(&name, |part| fetch_jars(lookup, part))
        .await;
    let folder = filled.map_err(|why| why.to_string())?;
    Ok(KafkaProgram::Jars {
        java,
        jars: folder.join("jars"),
    })
}

async fn fetch_jars(lookup: &Lookup, part: PathBuf) -> Result<(), ServerError> {
    let maven = lookup.find("mvn").ok_or_else(|| ServerError::NoProgram {
        name: "Maven".to_owned(),
        program: "mvn".into(),
    })?;
    tracing::info!("fetching Kafka {KAFKA_VERSION} with Maven, about 45 MB");
    let pom = part.join("pom.xml");
    std::fs::write(&pom, POM).map_err(ServerError::file("write", &pom))?;
    let copy = ChildCommand::new("mvn dependency:copy-dependencies", maven)
        // A download whose checksum is wrong must fail, not warn.
        .args(["--quiet", "--batch-mode", "--strict-checksums", "--file"])
        .arg(&pom)
        .arg(COPY_DEPENDENCIES)
        .args(["-DincludeScope=runtime", "-DoutputDirectory=jars"]);
    run_step(copy, &part.join("maven.log")).await
}

/// Major version in text such as `openjdk version "17.0.15" 2025-04-15`; 1 for Java 8 and older.
fn java_version_in(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("version \"")?;
    version
        .split(|sign: char| !sign.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    /// Scenario: what Java 8, 17 and an early-access 27 print, and other text.
    /// Guarantee: the major version is read; Java 8 counts as too old; other text is no version.
    #[test]
    fn java_versions_are_read() {
        assert_eq!(
            java_version_in("openjdk version \"17.0.15\" 2025-04-15\n"),
            Some(17)
        );
        assert_eq!(
            java_version_in("java version \"27-ea\" 2026-09-15"),
            Some(27)
        );
        assert_eq!(java_version_in("java version \"1.8.0_402\""), Some(1));
        assert_eq!(java_version_in("Unable to locate a Java Runtime."), None);
    }

    /// Scenario: the pom names its versions itself.
    /// Guarantee: it fetches the version that this crate says it does.
    #[test]
    fn the_pom_has_the_version() {
        assert!(POM.contains(&format!("<version>{KAFKA_VERSION}</version>")));
        assert!(IMAGE.ends_with(KAFKA_VERSION));
    }

    /// Scenario: the only Java is version 11, and there is no docker.
    /// Guarantee: it is refused by its version, and the error lists the ways that would help.
    #[tokio::test]
    async fn an_old_java_is_refused_by_version() {
        let empty = tempfile::tempdir().unwrap();
        let lookup = Lookup {
            search_path: concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/old-java").into(),
            cache: Cache::at(empty.path().to_owned()),
        };
        let message = locate(&lookup).await.unwrap_err().to_string();
        for part in ["version 11", "17 or newer", "no docker", "LATCHWORK_KAFKA"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}
