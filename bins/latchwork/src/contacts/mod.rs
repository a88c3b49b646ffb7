//! `latchwork contacts`: whom a lock's alerts concern.

mod set;
mod store;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use notification::{Contact, Contacts};
use serde_json::json;
use stage::{NatsArgs, jetstream_context};

use crate::operator::tell_audit;
use crate::text::visible;
use set::SetArgs;
use store::ContactStore;

/// Whom a lock's alerts concern: on which channels, from which severity on, and when not.
/// Changes take effect at once, and go into the audit log.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ContactsArgs {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Adds a contact to a lock, or replaces the one of the same name.
    Set(Box<SetArgs>),
    /// Takes a contact away from a lock, or all of them.
    Remove {
        /// Client id of the lock; `*` is the list that holds for every lock.
        lock: String,
        /// Only this contact.
        #[arg(long)]
        name: Option<String>,
    },
    /// Shows contacts.
    List {
        /// Only those of this lock.
        lock: Option<String>,
        /// One JSON object a lock.
        #[arg(long)]
        json: bool,
    },
    /// Reads a CSV file; replaces the contacts of every lock in it, and takes nothing of a file
    /// with a fault. Its columns, named in the first line: `lock`, `name`, `language`, `channel`,
    /// `address`, `severity`, `quiet_from`, `quiet_to`, `zone`. A contact with several channels has
    /// several lines.
    Import {
        /// The file.
        file: PathBuf,
    },
}

/// Runs the command.
pub(crate) async fn run(args: ContactsArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let context = jetstream_context(&args.nats.connect("contacts").await?);
    let store = ContactStore::open(&context).await?;
    match args.action {
        Action::Set(args) => {
            let contact = args.contact()?;
            let details = json!({ "contact": contact });
            let changed = store.change(&args.lock, |contacts| with(contacts, &contact));
            changed.await?;
            tell_audit(&context, &args.lock, "contacts set", details).await?;
            writeln!(
                out,
                "{}: {} is told",
                visible(args.lock.as_bytes()),
                contact.name
            )?;
        }
        Action::Remove { lock, name } => {
            let changed = store.change(&lock, |contacts| without(contacts, name.as_deref()));
            changed.await?;
            let details = json!({ "name": name });
            tell_audit(&context, &lock, "contacts remove", details).await?;
            writeln!(out, "{}: removed", visible(lock.as_bytes()))?;
        }
        Action::List { lock, json } => list(&store, lock.as_deref(), json, out).await?,
        Action::Import { file } => {
            let opened = std::fs::File::open(&file);
            let opened = opened.with_context(|| format!("cannot read {}", file.display()))?;
            let locks = notification::import(opened)?;
            for (lock, contacts) in &locks {
                store.put(lock, contacts).await?;
                let details = json!({ "contacts": contacts });
                tell_audit(&context, lock, "contacts import", details).await?;
            }
            writeln!(out, "contacts of {} locks imported", locks.len())?;
        }
    }
    Ok(())
}

fn with(contacts: &Contacts, contact: &Contact) -> anyhow::Result<Contacts> {
    let others = contacts.iter().filter(|known| known.name != contact.name);
    Ok(Contacts::new(others.chain([contact]).cloned().collect())?)
}

fn without(contacts: &Contacts, name: Option<&str>) -> anyhow::Result<Contacts> {
    let Some(name) = name else {
        return Ok(Contacts::default());
    };
    let others: Vec<_> = contacts
        .iter()
        .filter(|known| known.name != name)
        .cloned()
        .collect();
    anyhow::ensure!(
        others.len() < contacts.iter().count(),
        "the lock has no contact {name:?}; `latchwork contacts list LOCK` shows them"
    );
    Ok(Contacts::new(others)?)
}

async fn list(
    store: &ContactStore,
    lock: Option<&str>,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut locks = store.all().await?;
    locks.retain(|(name, _)| lock.is_none_or(|lock| lock == name));
    if json {
        for (lock, contacts) in locks {
            writeln!(
                out,
                "{}",
                json!({ "lock": lock, "contacts": contacts.iter().collect::<Vec<_>>() })
            )?;
        }
        return Ok(());
    }
    writeln!(
        out,
        "{:<24} {:<16} {:<4} {:<8} {:<9} {:<14} ADDRESS",
        "LOCK", "NAME", "LANG", "CHANNEL", "FROM", "QUIET"
    )?;
    for (lock, contacts) in &locks {
        for contact in contacts {
            let language = contact.language.map_or("", |language| language.name());
            let quiet = contact.quiet.as_ref().map(ToString::to_string);
            for reach in &contact.channels {
                writeln!(
                    out,
                    "{:<24} {:<16} {language:<4} {:<8} {:<9} {:<14} {}",
                    visible(lock.as_bytes()),
                    contact.name,
                    reach.channel().name(),
                    reach.severity().name(),
                    quiet.as_deref().unwrap_or_default(),
                    reach.address(),
                )?;
            }
        }
    }
    Ok(())
}
