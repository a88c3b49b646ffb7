//! One Kafka for all tests that do not kill it.

use std::fs::File;
use std::path::{Path, PathBuf};

use servers::{KafkaOptions, KafkaServer, external_kafka};
use tokio::sync::{OnceCell, oneshot};

/// Its address; the first test that asks starts it.
pub(crate) async fn shared_kafka() -> &'static str {
    static ADDRESS: OnceCell<String> = OnceCell::const_new();
    ADDRESS.get_or_init(start).await
}

async fn start() -> String {
    if let Some(address) = external_kafka() {
        return address;
    }
    let (sender, started) = oneshot::channel();
    // A thread of its own: the runtime of the test that asked first ends with that test.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (folder, _lock) = own_folder();
            let server = KafkaServer::start(KafkaOptions::new(folder)).await.unwrap();
            sender.send(server.address()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    started.await.expect("Kafka does not start: see above")
}

/// A folder that this run holds by a lock. Nothing runs when a test binary ends, so it is the next
/// run that removes what this one leaves.
fn own_folder() -> (PathBuf, File) {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(home).unwrap().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with("kafka-");
        if is_ours && lock(&entry.path()).is_some() {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    let folder = home.join(format!("kafka-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let lock = lock(&folder).unwrap();
    (folder, lock)
}

/// `None` when a run that has not ended holds it.
fn lock(folder: &Path) -> Option<File> {
    let file = File::create(folder.join("lock")).ok()?;
    file.try_lock().ok()?;
    Some(file)
}
