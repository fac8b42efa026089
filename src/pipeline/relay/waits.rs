//! What the relay waits for between batches: commits, their end, and pauses after a failure.

use std::time::Duration;

use tokio::sync::watch;

/// Waits until there will be no more commits.
pub(super) async fn closed(committed: &mut watch::Receiver<u64>) {
    while committed.changed().await.is_ok() {}
}

/// Waits for a commit of the line or of others, at most so long; false when there will be none of the line any more.
pub(super) async fn wait(
    committed: &mut watch::Receiver<u64>,
    others: &mut watch::Receiver<i64>,
    at_most: Duration,
) -> bool {
    tokio::select! {
        _ = committed.changed() => {}
        // Others that are gone wake nobody.
        Ok(()) = others.changed() => {}
        () = tokio::time::sleep(at_most) => {}
    }
    committed.has_changed().is_ok()
}

/// Pauses in full, whatever is committed meanwhile; false at once when there will be no more commits.
pub(super) async fn pause_or_closed(committed: &mut watch::Receiver<u64>, pause: Duration) -> bool {
    let pause = tokio::time::sleep(pause);
    tokio::pin!(pause);
    loop {
        tokio::select! {
            () = &mut pause => return true,
            changed = committed.changed() => if changed.is_err() { return false },
        }
    }
}
