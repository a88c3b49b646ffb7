//! Waiting for a condition with a deadline.

use std::time::Duration;

use crate::error::ServerError;

/// Pause between two looks at a condition. Short against anything a server does.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// Looks at `condition` every 20 ms until it is true. When it is not within `within`, the error
/// names `what`: write it so that "waited 5s in vain for {what}" reads well.
pub async fn wait_until<C>(
    within: Duration,
    what: &str,
    mut condition: C,
) -> Result<(), ServerError>
where
    C: AsyncFnMut() -> bool,
{
    let polling = async {
        while !condition().await {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(within, polling)
        .await
        .map_err(|_| ServerError::Deadline {
            what: what.to_owned(),
            within,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a condition becomes true at the third look.
    /// Guarantee: the wait ends well, after exactly three looks.
    #[tokio::test]
    async fn ends_when_true() {
        let mut looks = 0;
        let waited = wait_until(Duration::from_secs(5), "three looks", async || {
            looks += 1;
            looks == 3
        });
        waited.await.unwrap();
        assert_eq!(looks, 3);
    }

    /// Scenario: a condition never becomes true, or its question never returns.
    /// Guarantee: the wait ends at the deadline with an error that names what was waited for.
    #[tokio::test]
    async fn names_what_did_not_come() {
        let within = Duration::from_millis(50);
        let never = wait_until(within, "snow in July", async || false)
            .await
            .unwrap_err();
        assert_eq!(never.to_string(), "waited 50ms in vain for snow in July");
        let hangs = wait_until(within, "an answer", async || std::future::pending().await).await;
        assert!(hangs.unwrap_err().to_string().contains("an answer"));
    }
}
