//! What a test found: one row.

use serde::Serialize;

/// How a test came out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// All is well.
    Ok,
    /// There was nothing to test, or no way to see it.
    Skipped,
    /// It works, but not as well as it should.
    Warning,
    /// It does not work.
    Failed,
}

impl Verdict {
    /// As people read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One row: what was tested, how it came out, and what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Finding {
    /// What was tested.
    pub(crate) what: String,
    /// How it came out.
    pub(crate) verdict: Verdict,
    /// What was seen.
    pub(crate) detail: String,
    /// What to do about it, in plain words.
    pub(crate) fix: Option<String>,
}

impl Finding {
    pub(crate) fn ok(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(what, Verdict::Ok, detail, None)
    }

    pub(crate) fn skipped(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(what, Verdict::Skipped, detail, None)
    }

    pub(crate) fn warning(
        what: impl Into<String>,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(what, Verdict::Warning, detail, Some(fix.into()))
    }

    pub(crate) fn failed(
        what: impl Into<String>,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(what, Verdict::Failed, detail, Some(fix.into()))
    }

    /// A failure that an error tells. Ours say what is wrong, then `; ` and what to do; `fix` is for
    /// those of others.
    pub(crate) fn failed_by(
        what: impl Into<String>,
        error: impl std::fmt::Display,
        fix: impl Into<String>,
    ) -> Self {
        let text = error.to_string();
        match text.rsplit_once("; ") {
            Some((detail, advice)) => Self::failed(what, detail, advice),
            None => Self::failed(what, text, fix),
        }
    }

    /// The same with something to do about it although it is no fault.
    pub(crate) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }

    fn new(
        what: impl Into<String>,
        verdict: Verdict,
        detail: impl Into<String>,
        fix: Option<String>,
    ) -> Self {
        Self {
            what: what.into(),
            verdict,
            detail: detail.into(),
            fix,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: an error of this workspace, and one of somebody else.
    /// Guarantee: the advice of ours becomes the fix; the other gets the one that is given.
    #[test]
    fn errors_become_rows() {
        let ours = Finding::failed_by("NATS", "no answer: a; b; start it", "unused");
        assert_eq!(ours.detail, "no answer: a; b");
        assert_eq!(ours.fix.as_deref(), Some("start it"));
        let others = Finding::failed_by("NATS", "timed out", "look at its log");
        assert_eq!(others.fix.as_deref(), Some("look at its log"));
        assert_eq!(others.verdict, Verdict::Failed);
    }
}
