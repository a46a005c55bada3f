//! A request body that records whether it was polled.
//!
//! hyper polls the body only once there is a connection and the head is being written. So when the deadline passes before
//! that, nothing was sent, and a POST can safely be retried.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The whole body in one frame, of known length; not for empty ones, which are never polled.
pub(super) struct ObservedBody {
    pub(super) bytes: Option<Bytes>,
    pub(super) polled: Arc<AtomicBool>,
}

impl Body for ObservedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polled.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
