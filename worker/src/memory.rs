//! Large inputs: how many bytes they may take together, and threads of their own for the work that they make.
//!
//! Small inputs, which is nearly all of them, pass through here without waiting.

use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Inputs from this size on are large, bytes: a smaller one is worked on in a few milliseconds.
pub const LARGE: usize = 32 * 1024;

/// `limits.memory`: one half for messages and what is made of them, one for answers. A job that has its share of the first waits
/// for the second and for nothing else, so that jobs never wait for one another. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Memory {
    messages: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    share: usize,
}

/// A part of the memory, until it is dropped.
#[derive(Debug)]
pub struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

/// More than one input may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("takes some {needed} bytes in memory, and one may take {share} (half of limits.memory)")]
pub struct TooMuch {
    needed: usize,
    share: usize,
}

/// A permit of a semaphore stands for so many bytes.
const UNIT: usize = 1024;

impl Memory {
    /// A memory of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / 2 / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        let half = || Arc::new(Semaphore::new(units));
        Self { messages: half(), answers: half(), share: units * UNIT }
    }

    /// Waits until a message and what is made of it has room.
    ///
    /// # Errors
    /// When it never has.
    pub async fn message(&self, bytes: usize) -> Result<Share, TooMuch> {
        self.part_of(&self.messages, bytes).await
    }

    /// Waits until an answer and what is made of it has room.
    ///
    /// # Errors
    /// When it never has.
    pub async fn answer(&self, bytes: usize) -> Result<Share, TooMuch> {
        self.part_of(&self.answers, bytes).await
    }

    async fn part_of(&self, half: &Arc<Semaphore>, bytes: usize) -> Result<Share, TooMuch> {
        if bytes < LARGE {
            return Ok(Share { _permit: None });
        }
        if bytes > self.share {
            return Err(TooMuch { needed: bytes, share: self.share });
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        // Never closed.
        Ok(Share { _permit: Arc::clone(half).acquire_many_owned(units).await.ok() })
    }
}

/// How many threads work on large inputs at once; the others wait without a thread.
static THREADS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, Into::into)));

/// Works on a large input in a thread of its own, so that the runtime goes on meanwhile.
pub async fn in_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = THREADS.acquire().await;
    let done = tokio::task::spawn_blocking(work).await;
    drop(permit);
    match done.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        // A panic is the caller's, as if it had worked on the input itself.
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime ends, and this task with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// What a JSON text takes in memory once it is parsed, bytes: lists of numbers take fifty times their text. Linear.
pub fn of_json(json: &[u8]) -> usize {
    /// An entry of a list or an object, and what a list and an object take next to their entries.
    const ENTRY: usize = 128;
    const LIST: usize = 64;
    const OBJECT: usize = 192;
    let (mut bytes, mut in_text, mut escaped) = (json.len(), false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b',' => bytes += ENTRY,
            b'[' => bytes += LIST + ENTRY,
            b'{' => bytes += OBJECT + ENTRY,
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn what_has_no_room_waits_and_what_never_has_is_refused() {
        let memory = Memory::new(1024 * 1024);
        let most = memory.message(400 * 1024).await.unwrap();
        assert!(memory.message(200 * 1024).now_or_never().is_none(), "it waits");
        memory.message(LARGE - 1).now_or_never().expect("small ones never wait").unwrap();
        memory.answer(400 * 1024).now_or_never().expect("answers have a half of their own").unwrap();
        drop(most);
        memory.message(200 * 1024).now_or_never().expect("there is room now").unwrap();
        let problem = memory.message(513 * 1024).await.unwrap_err();
        assert_eq!(
            problem.to_string(),
            "takes some 525312 bytes in memory, and one may take 524288 (half of limits.memory)"
        );
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a thread of its own is what is tested")]
    async fn the_runtime_goes_on_while_a_large_input_is_worked_on() {
        let work = in_a_thread(|| std::thread::sleep(Duration::from_millis(300)));
        let ticks = async {
            let mut longest = Duration::ZERO;
            for _ in 0..20 {
                let begun = std::time::Instant::now();
                tokio::time::sleep(Duration::from_millis(10)).await;
                longest = longest.max(begun.elapsed());
            }
            longest
        };
        let ((), longest) = tokio::join!(work, ticks);
        assert!(longest < Duration::from_millis(100), "{longest:?}");
        let panicked = std::panic::AssertUnwindSafe(in_a_thread(|| panic!("a defect"))).catch_unwind().await;
        assert!(panicked.is_err(), "a panic is the caller's");
    }

    #[test]
    fn json_takes_no_more_than_is_estimated_and_texts_no_more_than_their_length() {
        assert_eq!(of_json(br#""[,{\",[""#), 9);
        for (text, values) in [("[0,0,0]", 3), (r#"{"a":[],"b":{}}"#, 3)] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert!(of_json(text.as_bytes()) >= values * size_of_val(&value), "{text}");
        }
    }
}
