//! A drill of delivery: alert changes drawn from a seed go through the whole service, record stage, outbox and relay as they
//! are, but without a camera; and a journal says what was committed. Fault plans (`tests/faults/`) run on it.
//!
//! Nothing here is in the way of a service that watches cameras.

mod journal;
mod script;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, oneshot};

use super::{App, Signal};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::pipeline::ports::{Clock, Fact};
use journal::Journal;
use script::Script;

/// How often what is due is given to the line.
const BEAT: Duration = Duration::from_millis(10);

/// What is drilled.
#[derive(Clone, Debug)]
pub struct Drill {
    /// The configuration the service is run with.
    pub source: PathBuf,
    /// Where what was committed is written down; goes on where it is there already.
    pub journal: PathBuf,
    /// Alert changes per second.
    pub per_second: u32,
    /// What the changes are drawn from.
    pub seed: u64,
    /// Until the end of this time, or until told to stop.
    pub run_for: Option<Duration>,
}

impl Drill {
    /// Runs the service until told to stop; then the line drains as it does with cameras. Gives how many changes were handed to
    /// the line.
    pub async fn run(self, settings: Settings, mut signals: mpsc::Receiver<Signal>) -> anyhow::Result<u64> {
        let data_dir = settings.service.data_dir.clone();
        let app = App::build(settings, self.source.clone()).await?;
        let journal = Journal::start(&self.journal, &data_dir)?;
        let (stop, stopped) = oneshot::channel();
        let feeding = tokio::spawn(feed(app.facts(), Script::new(self.seed), self.per_second, stopped));
        let (tell, told) = mpsc::channel(2);
        let service = tokio::spawn(app.run(told));
        let over = async {
            match self.run_for {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            () = told_to_stop(&mut signals) => {}
        }
        // The source first, as with cameras: its end of the queue must be closed before the record stage can end.
        drop(stop);
        let given = feeding.await.context("the drill's source panicked")?;
        // A service that has ended by itself says so below.
        tell.send(Signal::Stop).await.ok();
        let outcome = tokio::select! {
            outcome = service => outcome.context("the service panicked")?,
            () = told_to_stop(&mut signals) => anyhow::bail!("stopped at once by a second signal; what was committed is safe"),
        };
        journal.finish()?;
        outcome.map(|()| given)
    }
}

/// A drill has no cameras to read anew: only the word to stop counts.
async fn told_to_stop(signals: &mut mpsc::Receiver<Signal>) {
    while signals.recv().await == Some(Signal::Reload) {}
}

/// Gives the line what is due, and waits when it is full, as the analyze stage does.
async fn feed(facts: mpsc::Sender<Fact>, mut script: Script, per_second: u32, mut stop: oneshot::Receiver<()>) -> u64 {
    let mut beat = tokio::time::interval(BEAT);
    // What the line could not take in time is not made up for: the rate is a rate, not a number.
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut given, mut due) = (0, 0.0);
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => return given,
            _ = beat.tick() => due += f64::from(per_second) * BEAT.as_secs_f64(),
        }
        while due >= 1.0 {
            due -= 1.0;
            tokio::select! {
                biased;
                _ = &mut stop => return given,
                sent = facts.send(script.next(SystemClock.now())) => if sent.is_err() { return given },
            }
            given += 1;
        }
    }
}
