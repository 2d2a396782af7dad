//! Plant time goes on although nothing comes: so it is noticed that sensors are silent.

use crate::runtime::{Runtime, Submission};
use std::time::Duration;

/// Closes a tick every so often, for as long as the runtime takes inputs. For a runtime by wall time.
pub async fn run(runtime: Runtime, every: Duration) {
    let mut pace = tokio::time::interval(every);
    // Behind a slow disk one tick is as good as several.
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        pace.tick().await;
        let submission = Submission { source: "clock".into(), ..Submission::default() };
        if runtime.apply(submission).await.is_err() {
            return;
        }
    }
}
