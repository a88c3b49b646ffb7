//! What can be the matter with a lock.

use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know: somebody unlocked the door.
    Info,
    /// Needs somebody within days: a low battery.
    Warning,
    /// Needs somebody now.
    Critical,
}

impl Severity {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// As JSON and settings write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

macro_rules! alert_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $severity:ident;)+) => {
        /// What is the matter.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum AlertKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl AlertKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As JSON and settings write it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// How much it matters unless settings say otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }
        }
    };
}

alert_kinds! {
    /// The door was unlocked; `by` says whether a command, somebody at the door or nobody known did it.
    Unlocked = "unlocked", Info;
    /// The battery fell below the low threshold.
    BatteryLow = "battery-low", Warning;
    /// The battery fell below the critical threshold.
    BatteryCritical = "battery-critical", Critical;
    /// The lock reports, but not its battery.
    BatteryMissing = "battery-missing", Warning;
    /// The action and the state contradict each other: it was told to lock, and says unlocked.
    AbnormalState = "abnormal-state", Critical;
    /// Several attempts in a row failed.
    Jammed = "jammed", Critical;
    /// No report for several intervals, or the connection broke.
    Offline = "offline", Warning;
    /// The connection comes and goes.
    Flapping = "flapping", Warning;
    /// The firmware's version changed.
    FirmwareChanged = "firmware-changed", Info;
    /// The door was unlocked by a command that nobody is known to have sent.
    UnlockWithoutCommand = "unlock-without-command", Critical;
    /// A command was refused, with its verdict.
    CommandRefused = "command-refused", Warning;
    /// Many refused commands in a short time.
    CommandAttack = "command-attack", Critical;
    /// The lock sends payloads that break their contract.
    InvalidPayload = "invalid-payload", Warning;
    /// A client spoke on the topic of another lock.
    Impostor = "impostor", Critical;
    /// Logins under this client id were refused.
    LoginFailed = "login-failed", Warning;
}
