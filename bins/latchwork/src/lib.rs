//! The operator's command.

mod acl;
mod audit;
mod check;
mod command;
mod contacts;
pub mod demo;
pub mod dlq;
mod doctor;
mod import;
pub mod load;
pub mod mqtt_client;
mod operator;
mod passwd;
mod provision;
mod rules;
pub mod simulate;
pub mod stack;
mod stage_command;
mod status;
pub mod tail;
mod text;
mod up;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Carries door-lock messages from MQTT to Kafka, and never loses what it acknowledged.
///
/// Start with `latchwork demo`: it runs everything on this machine and shows what arrives.
#[derive(Debug, Parser)]
#[command(name = "latchwork", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows the whole pipeline at work on this machine, and proves that nothing was lost.
    Demo(Box<demo::DemoArgs>),
    /// Runs the whole pipeline on this machine, for real use.
    Up(Box<up::UpArgs>),
    /// Runs one stage in this process.
    Stage(Box<stage_command::StageCommandArgs>),
    /// Checks a pipeline file, and the connections when asked to, without starting anything.
    Check(Box<check::CheckArgs>),
    /// Tests everything that the pipeline needs: what is wrong, and what to do.
    Doctor(Box<doctor::DoctorArgs>),
    /// Shows how the pipeline fares: replicas, owners of lanes, lag, rates, dead letters, alerts.
    Status(Box<status::StatusArgs>),
    /// Makes the streams and durables.
    Provision(Box<provision::ProvisionArgs>),
    /// Shows what arrives in Kafka, decoded.
    Tail(Box<tail::TailArgs>),
    /// Plays locks that publish states and answer commands.
    Simulate(Box<simulate::SimulateArgs>),
    /// Measures: an open-loop load with latencies, losses and CPU per message.
    Load(Box<load::LoadArgs>),
    /// Makes, checks and sends signed lock commands.
    #[command(name = "command")]
    Order(Box<command::CommandArgs>),
    /// Lists and shows dead letters.
    Dlq(Box<dlq::DlqArgs>),
    /// Sets, lists and imports whom a lock's alerts concern.
    Contacts(Box<contacts::ContactsArgs>),
    /// Sets and deletes passwords in the edge's password file.
    Passwd(Box<passwd::PasswdArgs>),
    /// Tries an ACL file: may this client publish or subscribe to that?
    Acl(Box<acl::AclArgs>),
    /// Verifies, exports and shows the tamper-evident log.
    Audit(Box<audit::AuditArgs>),
    /// Turns the hooks and rules of EMQX into what a pipeline file says.
    Import(Box<import::ImportArgs>),
    /// Tests and tries rules, and runs files of vectors.
    Rules(Box<rules::RulesArgs>),
}

/// Parses the command line and runs the command: exit code 0 when all is well, 1 when the command
/// found or met a fault, 2 for a wrong command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        // Its exit codes tell a faulty log from one that can't be read.
        Command::Audit(args) => audit::main(*args),
        // Its exit codes tell no from an error.
        Command::Acl(args) => acl::main(&args),
        // Its exit codes tell what is incomplete from what is wrong.
        Command::Import(args) => import::main(&args),
        // Its exit codes tell no from an error.
        Command::Rules(args) => rules::main(&args),
        command => stage::main(|| run(command)),
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match &command {
        // A stage sets its own logs up.
        Command::Stage(_) => {}
        Command::Status(args) if args.fills_the_terminal() => {}
        Command::Up(_) | Command::Load(_) | Command::Simulate(_) => {
            log_to_stderr("info,async_nats=warn,librdkafka=error");
        }
        // librdkafka tells its every disconnect; what matters of it comes as an error.
        _ => log_to_stderr("warn,librdkafka=error,async_nats=error"),
    }
    let mut out = std::io::stdout();
    match command {
        Command::Demo(args) => demo::run(*args).await,
        Command::Up(args) => up::run(*args, &mut out).await,
        Command::Stage(args) => stage_command::run(*args).await,
        Command::Check(args) => check::run(*args, &mut out).await,
        Command::Doctor(args) => doctor::run(*args, &mut out).await,
        Command::Status(args) => status::run(*args, &mut out).await,
        Command::Provision(args) => provision::run(*args, &mut out).await,
        Command::Tail(args) => tail::run(*args, &mut out).await,
        Command::Simulate(args) => simulate::run_command(*args, &mut out).await,
        Command::Load(args) => load::run_command(*args, &mut out).await,
        Command::Order(args) => command::run(*args, &mut out).await,
        Command::Dlq(args) => dlq::run(*args, &mut out).await,
        Command::Contacts(args) => contacts::run(*args, &mut out).await,
        Command::Passwd(args) => passwd::run(&args, &mut out),
        Command::Acl(args) => acl::run(&args, &mut out).map(drop),
        Command::Audit(args) => audit::run(*args, &mut out).await.map(drop),
        Command::Import(args) => import::run(&args, &mut out, &mut std::io::stderr()).map(drop),
        Command::Rules(args) => {
            rules::run(&args, &mut out, &mut std::io::stderr(), false).map(drop)
        }
    }?;
    out.flush()?;
    Ok(())
}

/// Notes of commands go to standard error, so that standard output stays the command's answer.
fn log_to_stderr(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false);
    logs.with_ansi(colours).with_writer(std::io::stderr).init();
}
