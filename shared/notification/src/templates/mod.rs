//! What people read.

mod catalog;
mod check;
mod escape;
mod short;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use alert::{Alert, AlertKind, Change, Severity};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, context};

use crate::delivery::{Delivery, id_of};
use crate::language::Language;
use crate::message::Message;
use catalog::{Catalog, Frame, Part};

/// Characters of a subject: mail programs show fewer.
const SUBJECT_LIMIT: usize = 200;
/// Lines of a digest; the rest is counted.
const DIGEST_LINES: usize = 50;
/// Steps of one template: a text that loops without end is a fault, not a stop of everything.
const FUEL: u64 = 100_000;

/// The texts of all kinds, changes and languages.
#[derive(Debug)]
pub struct Templates {
    texts: Environment<'static>,
}

/// Own texts that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// A file that can't be read.
    #[error("texts {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is not of the form.
    #[error("texts {path}: {fault}; the entries are those of the shipped file of the same name")]
    File {
        /// The file.
        path: PathBuf,
        /// Where and what.
        fault: String,
    },
    /// A text that is no template, or fails when it is used.
    #[error("text {name}: {fault}")]
    Text {
        /// Language and entry, such as `en/alert.jammed.raised`.
        name: String,
        /// Where and what.
        fault: String,
    },
    /// A kind has no text.
    #[error("text {0} is missing")]
    Missing(String),
}

impl Templates {
    /// The shipped texts.
    pub fn shipped() -> Result<Self, TemplatesError> {
        let mut templates = Self {
            texts: environment(),
        };
        for language in Language::ALL {
            let file = format!("{}.toml", language.name());
            templates.add(catalog::shipped(language), Path::new(&file), language)?;
        }
        templates.check()?;
        Ok(templates)
    }

    /// The shipped texts with what the files `en.toml`, `zh.toml` and `ja.toml` of a folder put in
    /// their place. Every text is tried, so that a fault shows now and not at night.
    pub fn with_own(folder: &Path) -> Result<Self, TemplatesError> {
        let read_error = |path: &Path, source| TemplatesError::Read {
            path: path.to_owned(),
            source,
        };
        std::fs::read_dir(folder).map_err(|source| read_error(folder, source))?;
        let mut templates = Self::shipped()?;
        for language in Language::ALL {
            let path = folder.join(format!("{}.toml", language.name()));
            match std::fs::read_to_string(&path) {
                Ok(text) => templates.add(&text, &path, language)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(read_error(&path, source)),
            }
        }
        templates.check()?;
        Ok(templates)
    }

    /// The message of one delivery, or the digest of several to one address. It always gives one:
    /// where a text fails on what an alert holds, the alert's own sentence stands in. None without
    /// deliveries.
    pub fn message(&self, deliveries: &[&Delivery]) -> Option<Message> {
        let first = *deliveries.first()?;
        let texts = match deliveries {
            [_] => self.single(first),
            _ => self.digest(deliveries),
        };
        let [subject, body, short] = texts.unwrap_or_else(|_| fallback(deliveries));
        let id = match deliveries {
            [only] => only.id.clone(),
            members => id_of(members.iter().map(|member| member.id.as_str())),
        };
        Some(Message {
            id,
            channel: first.channel,
            address: first.address.clone(),
            language: first.language,
            subject: escape::line(&subject, SUBJECT_LIMIT),
            body: escape::lines(&body),
            short: short::fit(&escape::line(&short, usize::MAX)),
            alerts: deliveries
                .iter()
                .map(|member| member.alert.clone())
                .collect(),
        })
    }

    fn add(&mut self, text: &str, path: &Path, language: Language) -> Result<(), TemplatesError> {
        let catalog = Catalog::read(text, path)?;
        for (name, template) in catalog.into_templates(language) {
            let added = self.texts.add_template_owned(name.clone(), template);
            added.map_err(|error| text_error(name, &error))?;
        }
        Ok(())
    }

    /// Subject, body and short text.
    fn single(&self, delivery: &Delivery) -> Result<[String; 3], Error> {
        let alert = &delivery.alert;
        let title = self.title(delivery)?;
        let values = self.values(delivery)?;
        let advice_name = catalog::part_name(delivery.language, alert.kind, Part::Advice);
        let advice = match self.texts.get_template(&advice_name) {
            Ok(advice) if alert.change != Change::Cleared => advice.render(&values)?,
            _ => String::new(),
        };
        let values = context! { title, advice, ..values };
        let render = |frame| self.frame(delivery.language, frame, &values);
        Ok([
            render(Frame::Subject)?,
            render(Frame::Mail)?,
            render(Frame::Sms)?,
        ])
    }

    /// Subject, body and short text of several.
    fn digest(&self, deliveries: &[&Delivery]) -> Result<[String; 3], Error> {
        let Some(first) = deliveries.first() else {
            return Ok(Default::default());
        };
        let language = first.language;
        let alerts = || deliveries.iter().map(|delivery| &delivery.alert);
        let locks: HashSet<&str> = alerts().map(|alert| alert.lock.as_str()).collect();
        let severity = alerts().map(|alert| alert.severity).max();
        let mut lines = Vec::new();
        for delivery in deliveries.iter().take(DIGEST_LINES) {
            lines.push(context! { title => self.title(delivery)?, ..self.values(delivery)? });
        }
        let values = context! {
            name => escape::line(&first.name, SUBJECT_LIMIT),
            severity => self.word(language, severity.unwrap_or(Severity::Info))?,
            count => deliveries.len(),
            locks => locks.len(),
            kinds => self.kinds(language, alerts())?,
            more => deliveries.len().saturating_sub(lines.len()),
            lines,
        };
        let render = |frame| self.frame(language, frame, &values);
        Ok([
            render(Frame::DigestSubject)?,
            render(Frame::DigestMail)?,
            render(Frame::DigestSms)?,
        ])
    }

    /// How many there are of each kind, the most frequent first.
    fn kinds<'a>(
        &self,
        language: Language,
        alerts: impl Iterator<Item = &'a Alert>,
    ) -> Result<Vec<Value>, Error> {
        let mut counts: BTreeMap<AlertKind, usize> = BTreeMap::new();
        for alert in alerts {
            *counts.entry(alert.kind).or_default() += 1;
        }
        let mut counts: Vec<(AlertKind, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut kinds = Vec::with_capacity(counts.len());
        for (kind, count) in counts {
            let name = self.kind_name(language, kind)?;
            kinds.push(context! { name, count });
        }
        Ok(kinds)
    }

    /// What a text of one alert knows.
    fn values(&self, delivery: &Delivery) -> Result<Value, Error> {
        let alert = &delivery.alert;
        let time = delivery.zone.at(alert.ts);
        Ok(context! {
            lock => escape::line(&alert.lock, SUBJECT_LIMIT),
            name => escape::line(&delivery.name, SUBJECT_LIMIT),
            message => escape::line(&alert.message, 2 * SUBJECT_LIMIT),
            details => escape::details(&alert.details),
            kind => self.kind_name(delivery.language, alert.kind)?,
            change => Part::of(alert.change).name(),
            severity => self.word(delivery.language, alert.severity)?,
            time => time.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
            clock => time.strftime("%m-%d %H:%M").to_string(),
        })
    }

    fn title(&self, delivery: &Delivery) -> Result<String, Error> {
        let part = Part::of(delivery.alert.change);
        let name = catalog::part_name(delivery.language, delivery.alert.kind, part);
        let title = self
            .texts
            .get_template(&name)?
            .render(self.values(delivery)?)?;
        Ok(escape::line(&title, SUBJECT_LIMIT))
    }

    fn kind_name(&self, language: Language, kind: AlertKind) -> Result<String, Error> {
        let name = catalog::part_name(language, kind, Part::Name);
        self.texts.get_template(&name)?.render(context! {})
    }

    fn word(&self, language: Language, severity: Severity) -> Result<String, Error> {
        let name = catalog::word_name(language, severity);
        self.texts.get_template(&name)?.render(context! {})
    }

    fn frame(&self, language: Language, frame: Frame, values: &Value) -> Result<String, Error> {
        let name = catalog::frame_name(language, frame);
        self.texts.get_template(&name)?.render(values)
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    // All texts are plain: mails are text/plain, values are one line each.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}

/// Plain words where an own text fails on what an alert holds.
fn fallback(deliveries: &[&Delivery]) -> [String; 3] {
    let told = deliveries.iter().take(DIGEST_LINES).map(|delivery| {
        let alert = &delivery.alert;
        format!(
            "{} ({}), lock {}: {}",
            alert.kind.name(),
            alert.severity.name(),
            escape::line(&alert.lock, SUBJECT_LIMIT),
            escape::line(&alert.message, SUBJECT_LIMIT)
        )
    });
    let told: Vec<String> = told.collect();
    let first = told.first().cloned().unwrap_or_default();
    let subject = match deliveries.len() {
        0 | 1 => first,
        count => format!("{count} alerts: {first}"),
    };
    [subject.clone(), told.join("\n"), subject]
}

fn text_error(name: String, error: &Error) -> TemplatesError {
    let mut fault = error.to_string();
    // `Display` ends in "(in NAME:LINE)"; the cause below it says what a value would not do.
    if let Some(cause) = std::error::Error::source(error) {
        fault = format!("{fault}: {cause}");
    }
    TemplatesError::Text { name, fault }
}
