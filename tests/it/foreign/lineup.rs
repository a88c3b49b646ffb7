//! The clients: libraries in Python, JavaScript and Rust, each in the versions that it speaks.

use std::sync::atomic::{AtomicU64, Ordering};

use servers::{ServerError, node_packages, python_packages};

use super::connection::Connection;
use super::orders::{Connect, Fault, Order, Transport};
use super::program::{Program, Recipe};
use super::rumqttc;
use crate::waiting::skipped;

/// Python packages with their versions and hashes.
const REQUIREMENTS: &str = include_str!("programs/requirements.txt");
/// Node packages; the lock has their hashes.
const MANIFEST: &str = include_str!("programs/package.json");
const LOCK: &str = include_str!("programs/package-lock.json");

/// Folders, for Python and Node, where their packages are.
struct Packages {
    python: Option<std::path::PathBuf>,
    node: Option<std::path::PathBuf>,
}

/// What runs a client.
enum Runs {
    Program(Box<Program>),
    Here,
}

/// One library that speaks one version of MQTT.
pub(super) struct Client {
    pub(super) name: &'static str,
    /// The level in CONNECT: 4 or 5.
    pub(super) version: u8,
    pub(super) speaks: &'static [Transport],
    runs: Runs,
    connections: AtomicU64,
}

const ALL: &[Transport] = &[
    Transport::Tcp,
    Transport::Tls,
    Transport::Ws,
    Transport::Wss,
];
const NO_WEB: &[Transport] = &[Transport::Tcp, Transport::Tls];

/// Everyone whose interpreter is on this machine. Who is not there is told.
pub(super) async fn lineup() -> Vec<Client> {
    let packages = Packages {
        python: there(
            "paho-mqtt and gmqtt",
            Box::pin(python_packages(REQUIREMENTS)).await,
        ),
        node: there("mqtt.js", Box::pin(node_packages(MANIFEST, LOCK)).await),
    };
    let paho = packages.python_program("paho_client.py");
    let gmqtt = packages.python_program("gmqtt_client.py");
    let mqttjs = packages.node_program("mqttjs_client.mjs");
    let lines = [
        ("paho-mqtt 3.1.1", 4, ALL, paho.clone()),
        ("paho-mqtt 5", 5, ALL, paho),
        ("gmqtt 5", 5, NO_WEB, gmqtt),
        ("mqtt.js 3.1.1", 4, ALL, mqttjs.clone()),
        ("mqtt.js 5", 5, ALL, mqttjs),
    ];
    let programs = lines
        .into_iter()
        .filter_map(|(name, version, speaks, recipe)| {
            let runs = Runs::Program(Box::new(Program::start(&recipe?)));
            Some(Client::new(name, version, speaks, runs))
        });
    let here = [("rumqttc 3.1.1", 4), ("rumqttc 5", 5)]
        .map(|(name, version)| Client::new(name, version, ALL, Runs::Here));
    programs.chain(here).collect()
}

/// A missing interpreter is a reason to do without; a fetch that fails is not.
fn there(
    clients: &str,
    fetched: Result<std::path::PathBuf, ServerError>,
) -> Option<std::path::PathBuf> {
    match fetched {
        Ok(folder) => Some(folder),
        Err(why @ ServerError::NoProgram { .. }) => {
            skipped(&format!("nothing is asserted with {clients}: {why}"));
            None
        }
        Err(why) => panic!("{clients} can't be fetched: {why}"),
    }
}

impl Packages {
    fn python_program(&self, file: &'static str) -> Option<Recipe> {
        Some(Recipe {
            interpreter: "python3",
            // No compiled files in the source tree.
            options: &["-B"],
            file,
            variable: "PYTHONPATH",
            packages: self.python.clone()?,
        })
    }

    fn node_program(&self, file: &'static str) -> Option<Recipe> {
        Some(Recipe {
            interpreter: "node",
            options: &[],
            file,
            variable: "NODE_MODULES",
            packages: self.node.clone()?,
        })
    }
}

impl Client {
    fn new(name: &'static str, version: u8, speaks: &'static [Transport], runs: Runs) -> Self {
        Self {
            name,
            version,
            speaks,
            runs,
            connections: AtomicU64::new(0),
        }
    }

    /// A name that no other client of the test has: for topics and client ids.
    pub(super) fn own(&self, rest: &str) -> String {
        format!("{}/{rest}", self.name.replace(' ', "-"))
    }

    /// Connects; a CONNACK that refuses is a fault.
    pub(super) async fn connect(&self, connect: Connect) -> Result<Connection, Fault> {
        let client_id = connect.client_id.clone();
        let connection = self.attempt(connect).await?;
        match connection.code {
            0 => Ok(connection),
            code => Err(format!("{client_id} is refused: {code:#04x}")),
        }
    }

    /// Connects; whatever CONNACK says.
    pub(super) async fn attempt(&self, connect: Connect) -> Result<Connection, Fault> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let on = format!("{}#{number}", connect.client_id);
        let (orders, messages) = match &self.runs {
            Runs::Program(program) => program.line(&on),
            Runs::Here => rumqttc::line(),
        };
        Connection::open(on, orders, messages, Order::Connect(Box::new(connect))).await
    }

    /// What it wrote to standard error.
    pub(super) fn complaints(&self) -> String {
        match &self.runs {
            Runs::Program(program) => program.complaints(),
            Runs::Here => String::new(),
        }
    }
}
