//! A running pipeline with a thread of its own, which waits for its end and takes it down: so that neither opening nor hanging
//! up ever holds up the caller, and the error is the last thing that comes.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::access_unit::PacketSender;
use crate::domain::scene::BlindCause;
use crate::pipeline::ports::SourceError;

/// Dropping it hangs up.
pub(super) struct Session {
    bus: gst::Bus,
}

/// What a message on the bus means: the end with or without an error, or nothing.
pub(super) type Judge = Box<dyn Fn(&gst::MessageView<'_>) -> Option<Result<(), SourceError>> + Send>;

/// What is made of a pipeline that says nothing at all.
pub(super) struct Silence {
    pub(super) patience: gst::ClockTime,
    pub(super) has_begun: Box<dyn Fn() -> bool + Send>,
    pub(super) error: SourceError,
}

impl Session {
    /// Sets the pipeline playing and watches it until it ends or the session is dropped, or has not begun after a silence.
    pub(super) fn start(
        pipeline: gst::Pipeline,
        sender: PacketSender,
        judge: Judge,
        silence: Option<Silence>,
    ) -> Result<Self, SourceError> {
        let unusable = |message: String| SourceError { cause: BlindCause::Unusable, message };
        let bus = pipeline.bus().ok_or_else(|| unusable("a pipeline has no bus".to_owned()))?;
        let watched = bus.clone();
        std::thread::Builder::new()
            .name("camera-session".to_owned())
            .spawn(move || watch(&pipeline, &watched, &sender, (&judge, silence)))
            .map_err(|e| unusable(format!("cannot start a thread for the camera: {e}")))?;
        Ok(Self { bus })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let hang_up = gst::message::Application::new(gst::Structure::new_empty("hang-up"));
        if self.bus.post(hang_up).is_err() {
            tracing::debug!("the session had ended already");
        }
    }
}

fn watch(
    pipeline: &gst::Pipeline,
    bus: &gst::Bus,
    sender: &PacketSender,
    (judge, mut silence): (&Judge, Option<Silence>),
) {
    // Where this fails, the reason is on the bus.
    let started = pipeline.set_state(gst::State::Playing).is_ok();
    let mut end = None;
    loop {
        let patience = if started { silence.as_ref().map(|s| s.patience) } else { Some(gst::ClockTime::SECOND) };
        let Some(message) = bus.timed_pop(patience) else {
            if let Some(silence) = silence.take().filter(|_| started) {
                if (silence.has_begun)() {
                    continue;
                }
                end = Some(silence.error);
                break;
            }
            end = Some(SourceError { cause: BlindCause::Unusable, message: "the pipeline does not start".to_owned() });
            break;
        };
        if matches!(message.view(), gst::MessageView::Application(_)) {
            break;
        }
        if let Some(verdict) = judge(&message.view()) {
            end = verdict.err();
            break;
        }
    }
    // Stops the streaming threads, so that nothing comes after the error.
    if pipeline.set_state(gst::State::Null).is_err() {
        tracing::warn!("a camera's pipeline did not stop cleanly");
    }
    bus.set_flushing(true);
    if let Some(error) = end
        && sender.blocking_send(Err(error)).is_err()
    {
        tracing::debug!("nobody waits for the end of this session");
    }
}
