//! A client program in another language: a process that obeys orders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};

use super::connection::BACKLOG;
use super::orders::{Asked, Done, Fault, Message, Order, Told};

/// What it is run from.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// The interpreter, on PATH.
    pub(super) interpreter: &'static str,
    /// Options before the file.
    pub(super) options: &'static [&'static str],
    /// The program's file in `programs`.
    pub(super) file: &'static str,
    /// The variable that tells where its packages are.
    pub(super) variable: &'static str,
    /// Where they are.
    pub(super) packages: PathBuf,
}

/// A running program. It ends with this value.
pub(super) struct Program {
    orders: mpsc::Sender<Asked>,
    waiting: Arc<Mutex<Waiting>>,
    _child: Child,
}

/// Who waits for which of its lines.
#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, oneshot::Sender<Result<Done, Fault>>>,
    messages: HashMap<String, mpsc::Sender<Message>>,
    /// What it wrote to standard error.
    complaints: String,
    has_ended: bool,
}

impl Program {
    pub(super) fn start(recipe: &Recipe) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/foreign/programs");
        let mut child = Command::new(recipe.interpreter)
            .args(recipe.options)
            .arg(folder.join(recipe.file))
            .env(recipe.variable, &recipe.packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (orders, asked) = mpsc::channel(BACKLOG);
        let waiting = Arc::default();
        tokio::spawn(write(
            child.stdin.take().unwrap(),
            asked,
            Arc::clone(&waiting),
        ));
        tokio::spawn(read(child.stdout.take().unwrap(), Arc::clone(&waiting)));
        tokio::spawn(listen(child.stderr.take().unwrap(), Arc::clone(&waiting)));
        Self {
            orders,
            waiting,
            _child: child,
        }
    }

    /// The way to one of its connections, and what that gets.
    pub(super) fn line(&self, on: &str) -> (mpsc::Sender<Asked>, mpsc::Receiver<Message>) {
        let (to, messages) = mpsc::channel(BACKLOG);
        let mut waiting = self.waiting.lock().unwrap();
        waiting.messages.insert(on.to_owned(), to);
        (self.orders.clone(), messages)
    }

    /// What it wrote to standard error.
    pub(super) fn complaints(&self) -> String {
        self.waiting.lock().unwrap().complaints.clone()
    }
}

async fn write(
    mut input: ChildStdin,
    mut orders: mpsc::Receiver<Asked>,
    waiting: Arc<Mutex<Waiting>>,
) {
    let mut id = 0_u64;
    while let Some(Asked { on, order, answer }) = orders.recv().await {
        id += 1;
        {
            let mut waiting = waiting.lock().unwrap();
            if waiting.has_ended {
                answer.send(Err("the program has ended".to_owned())).ok();
                continue;
            }
            waiting.answers.insert(id, answer);
        }
        // A program that has ended does not read; its end answers the order.
        input.write_all(line(id, &on, &order).as_bytes()).await.ok();
    }
}

fn line(id: u64, on: &str, order: &Order) -> String {
    let mut line = serde_json::to_value(order).unwrap();
    line["id"] = id.into();
    line["on"] = on.into();
    format!("{line}\n")
}

async fn read(output: ChildStdout, waiting: Arc<Mutex<Waiting>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let told = serde_json::from_str(&line);
        let to = match told.unwrap_or_else(|error| panic!("{error}: {line}")) {
            Told::Done { answers, done } => {
                answer(&waiting, answers, Ok(done));
                continue;
            }
            Told::Failed { answers, failed } => {
                answer(&waiting, answers, Err(failed));
                continue;
            }
            Told::Message { on, message } => {
                let to = waiting.lock().unwrap().messages.get(&on).cloned();
                to.map(|to| (to, message))
            }
        };
        if let Some((to, message)) = to {
            // A connection that the test has done with gets its last messages in vain.
            to.send(message).await.ok();
        }
    }
    let mut waiting = waiting.lock().unwrap();
    waiting.has_ended = true;
    waiting.messages.clear();
    for (_, answer) in waiting.answers.drain() {
        answer.send(Err("the program has ended".to_owned())).ok();
    }
}

fn answer(waiting: &Mutex<Waiting>, id: u64, outcome: Result<Done, Fault>) {
    let answer = waiting.lock().unwrap().answers.remove(&id);
    // Who asked may have lost patience.
    answer.map(|answer| answer.send(outcome).ok());
}

async fn listen(mut errors: ChildStderr, waiting: Arc<Mutex<Waiting>>) {
    let mut text = vec![0; 4096];
    while let Ok(length @ 1..) = errors.read(&mut text).await {
        let part = String::from_utf8_lossy(&text[..length]).into_owned();
        waiting.lock().unwrap().complaints.push_str(&part);
    }
}
