//! Sends the events of a response, with pauses, gates and injected faults.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::call::{Call, CallEnd};
use super::frame::Frame;
use super::gate::Gate;
use super::reply::{InjectedFault, Place, Reply};
use super::watch::CallWatch;

/// A step of sending a body.
#[derive(Debug, Clone)]
enum Step {
    Send {
        bytes: Bytes,
        is_event: bool,
    },
    Pause(Duration),
    /// Lets the server write its buffer to the socket.
    Flush,
    Pass(Gate),
    /// Sends nothing more and keeps the connection open.
    Hang,
    /// Cuts the connection.
    Cut,
    /// Sends the same bytes for ever.
    Endless,
}

/// The remaining steps of a body.
#[derive(Debug)]
pub(super) struct Delivery(VecDeque<Step>);

const BYTE_ORDER_MARK: &str = "\u{feff}";

impl Delivery {
    /// The steps to send these events, with the pauses and faults of the reply.
    pub(super) fn plan(call: &Call, reply: &Reply, mut frames: Vec<Frame>) -> Self {
        let mut tail: Vec<Step> = Vec::new();
        for fault in &reply.faults {
            match *fault {
                InjectedFault::HangAfter(place) => tail = cut(&mut frames, place, vec![Step::Hang]),
                InjectedFault::CutAfter(place) => tail = cut(&mut frames, place, vec![Step::Cut]),
                InjectedFault::EndAfter(place) => tail = cut(&mut frames, place, Vec::new()),
                InjectedFault::EndlessLineAfter(place) => tail = cut(&mut frames, place, vec![Step::Endless]),
                InjectedFault::ErrorAfter(place, form) => {
                    cut(&mut frames, place, Vec::new());
                    frames.extend([Frame::error(call, form), Frame::done()]);
                }
                InjectedFault::MalformedAfter(place) => {
                    let (index, _) = locate(&frames, place);
                    frames.insert(index, Frame::malformed());
                }
                InjectedFault::ByteOrderMark => frames.insert(0, Frame::raw(BYTE_ORDER_MARK.to_owned())),
                InjectedFault::CrLf => {
                    for frame in &mut frames {
                        frame.text = frame.text.replace('\n', "\r\n");
                    }
                }
                // These are handled before the body is made, or below.
                InjectedFault::Status { .. }
                | InjectedFault::HangBeforeHeaders
                | InjectedFault::SingleBytes
                | InjectedFault::JsonInsteadOfStream => {}
            }
        }
        let mut steps = pace(reply, &frames);
        steps.extend(tail);
        Self(steps)
    }

    /// The body.
    pub(super) fn body(self, watch: CallWatch) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
        stream::unfold((self.0, watch), |(mut steps, mut watch)| async move {
            loop {
                let Some(step) = steps.pop_front() else {
                    watch.end(CallEnd::Served);
                    return None;
                };
                match step {
                    Step::Send { bytes, is_event } => {
                        watch.sent(is_event);
                        // A client may leave as soon as it has read the last event.
                        if steps.is_empty() {
                            watch.end(CallEnd::Served);
                        }
                        return Some((Ok(bytes), (steps, watch)));
                    }
                    Step::Pause(pause) => tokio::time::sleep(pause).await,
                    Step::Flush => tokio::task::yield_now().await,
                    Step::Pass(gate) => gate.pass().await,
                    Step::Hang => std::future::pending().await,
                    Step::Cut => {
                        // While this waits, the server writes its buffer to the socket.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        watch.end(CallEnd::CutByScript);
                        let error = io::Error::from(io::ErrorKind::ConnectionReset);
                        return Some((Err(error), (steps, watch)));
                    }
                    Step::Endless => {
                        steps.push_front(Step::Endless);
                        return Some((Ok(Bytes::from_static(&[b'x'; 16 * 1024])), (steps, watch)));
                    }
                }
            }
        })
    }
}

/// The steps to send these events, with their pauses and gates.
fn pace(reply: &Reply, frames: &[Frame]) -> VecDeque<Step> {
    let mut steps = VecDeque::with_capacity(frames.len() + 2);
    if !reply.slow_start.is_zero() {
        steps.push_back(Step::Pause(reply.slow_start));
    }
    let mut words = 0;
    for frame in frames {
        if frame.is_word && !reply.slow_words.is_zero() {
            steps.push_back(Step::Pause(reply.slow_words));
        }
        if reply.has(&InjectedFault::SingleBytes) {
            for byte in frame.text.bytes() {
                steps.push_back(Step::Send { bytes: Bytes::copy_from_slice(&[byte]), is_event: false });
                steps.push_back(Step::Flush);
            }
        } else {
            steps.push_back(Step::Send {
                bytes: Bytes::from(frame.text.clone()),
                is_event: !frame.is_comment,
            });
        }
        words += usize::from(frame.is_word);
        for (after, gate) in &reply.gates {
            if *after == words && frame.is_word {
                steps.push_back(Step::Pass(gate.clone()));
            }
        }
    }
    // A gate before the first word is before all events, and so is the gate of a reply without words.
    for (after, gate) in &reply.gates {
        if *after == 0 {
            steps.push_front(Step::Pass(gate.clone()));
        }
    }
    steps
}

/// Removes the events after this position, and returns the steps that replace them.
fn cut(frames: &mut Vec<Frame>, place: Place, tail: Vec<Step>) -> Vec<Step> {
    let (index, bytes) = locate(frames, place);
    let rest = frames.get(index).map(|frame| frame.text.as_bytes()[..bytes].to_vec()).unwrap_or_default();
    frames.truncate(index);
    let mut steps = Vec::new();
    if !rest.is_empty() {
        steps.push(Step::Send { bytes: Bytes::from(rest), is_event: false });
    }
    steps.extend(tail);
    steps
}

/// The index of the frame at a place, and the number of its bytes before the place.
fn locate(frames: &[Frame], place: Place) -> (usize, usize) {
    let right_after = |wanted: usize, counts: fn(&Frame) -> bool| {
        let counted = frames.iter().enumerate().filter(|(_, frame)| counts(frame));
        let indices: Vec<usize> = counted.map(|(index, _)| index).collect();
        match wanted.checked_sub(1) {
            None => indices.first().copied().unwrap_or(frames.len()),
            Some(last) => indices.get(last).map_or(frames.len(), |index| index + 1),
        }
    };
    match place {
        Place::Events(wanted) => (right_after(wanted, |frame| !frame.is_comment), 0),
        Place::Words(wanted) => (right_after(wanted, |frame| frame.is_word), 0),
        Place::Bytes(wanted) => {
            let mut left = wanted;
            for (index, frame) in frames.iter().enumerate() {
                if left < frame.text.len() {
                    return (index, left);
                }
                left -= frame.text.len();
            }
            (frames.len(), 0)
        }
    }
}
