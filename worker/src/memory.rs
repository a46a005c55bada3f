//! Large inputs: how many bytes they may take together, and threads of their own for the work that they make.
//!
//! Small inputs, which is nearly all of them, pass through here without waiting.

mod bodies;
mod pool;
mod waits;

use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::{Semaphore, SemaphorePermit};

pub use bodies::{Account, Bodies, BodyShare, PATIENCE};
use pool::Pool;
pub use pool::{Share, TooMuch};
use waits::waiting;
pub use waits::{Waits, ended as ended_waits};

/// Inputs from this size on are large, bytes: a smaller one is worked on in a few milliseconds.
pub const LARGE: usize = 32 * 1024;

/// `limits.memory` in parts: for messages and what is made of them, for bodies of requests and answers, and for what is made of
/// answers until its result is stored. A job waits for its shares in this order, and once for each, so that jobs never wait
/// for one another. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Memory {
    messages: Pool,
    bodies: Bodies,
    answers: Pool,
}

/// A permit of a semaphore stands for so many bytes.
const UNIT: usize = 1024;

impl Memory {
    /// A memory of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let eighth = bytes / 8;
        let (messages, bodies) = (Pool::new(3 * eighth), Bodies::new(units(eighth)));
        Self { messages, bodies, answers: Pool::new(4 * eighth) }
    }

    /// The room for bodies of requests and answers.
    pub fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    /// Waits until a message and what is made of it has room.
    ///
    /// # Errors
    /// When it never has.
    pub async fn message(&self, bytes: usize) -> Result<Share, TooMuch> {
        self.messages.share(bytes).await
    }

    /// Waits until what is made of an answer has room: so many bytes of values, and a result of at most so many, as far as any
    /// may. [`Share::shrink_to`] gives back what the result does not take.
    ///
    /// # Errors
    /// When the values never have room.
    pub async fn answer(&self, values: usize, result: usize) -> Result<Share, TooMuch> {
        let all = self.answers.all();
        let bytes = if values > all { values } else { values.saturating_add(result).min(all) };
        self.answers.share(bytes).await
    }
}

fn units(bytes: usize) -> usize {
    (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS)
}

/// How many threads work on large inputs at once; the others wait without a thread.
static THREADS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, Into::into)));

/// The same for planning, which waits for room that others take until their answers were read.
static PLANNING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, Into::into)));

/// A turn to work in a thread.
#[derive(Debug)]
pub struct Turn {
    // Never closed, so that it is always there.
    _permit: Option<SemaphorePermit<'static>>,
}

/// Waits for a turn to plan a request.
pub async fn turn_to_plan() -> Turn {
    Turn { _permit: waiting(PLANNING.acquire()).await.ok() }
}

/// Works on a large input in a thread of its own, so that the runtime goes on meanwhile.
pub async fn in_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let turn = Turn { _permit: waiting(THREADS.acquire()).await.ok() };
    in_a_thread_of(&turn, work).await
}

/// The same in a turn that was waited for.
pub async fn in_a_thread_of<T: Send + 'static>(_turn: &Turn, work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    match done.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        // A panic is the caller's, as if it had worked on the input itself.
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime ends, and this task with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// Drops what has this share, in a thread of its own where that is much.
pub fn dropped_in_a_thread<T: Send + 'static>(share: Share, owner: T) {
    if share.is_some() {
        // Nobody waits for it.
        drop(tokio::task::spawn_blocking(move || drop((owner, share))));
    }
}

/// What an answer takes in memory once it is decoded and parsed, bytes; of XML so many elements and attributes are read at
/// most. Linear.
pub fn of_answer(body: &[u8], xml_nodes: usize) -> usize {
    // Another character set takes up to three bytes for one, as text and as values.
    let texts = if std::str::from_utf8(body).is_ok() { 1 } else { 5 };
    let parsed = if is_xml(body) { of_xml(body, xml_nodes) } else { of_json(body) };
    parsed + texts * body.len()
}

/// Whether a body begins like XML, in whatever units its character set has.
fn is_xml(body: &[u8]) -> bool {
    let is_mark = |byte: &u8| matches!(byte, 0 | 0xbb | 0xbf | 0xef | 0xfe | 0xff) || byte.is_ascii_whitespace();
    body.iter().find(|byte| !is_mark(byte)) == Some(&b'<')
}

/// What an XML text takes once it is read: an element, an attribute and a text are a member each.
fn of_xml(xml: &[u8], most: usize) -> usize {
    const NODE: usize = 400;
    let nodes = xml.iter().filter(|byte| matches!(byte, b'<' | b'=')).count();
    xml.len() + nodes.min(most) * NODE
}

/// What a JSON text takes in memory once it is parsed, bytes: lists of numbers take fifty times their text. Linear.
pub fn of_json(json: &[u8]) -> usize {
    /// An entry of a list or an object, and what a list and an object take next to their entries.
    const ENTRY: usize = 128;
    const LIST: usize = 64;
    const OBJECT: usize = 192;
    let (mut bytes, mut rest) = (json.len(), json);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_text(after),
            b',' => bytes += ENTRY,
            b'[' => bytes += LIST + ENTRY,
            b'{' => bytes += OBJECT + ENTRY,
            _ => {}
        }
    }
    bytes
}

/// What follows a JSON text whose first quotation mark was read.
fn after_text(json: &[u8]) -> &[u8] {
    let mut rest = json;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest.get(at) == Some(&b'"') {
            return rest.get(at + 1..).unwrap_or_default();
        }
        // With what it escapes.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
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
        let most = memory.message(300 * 1024).await.unwrap();
        assert!(memory.message(200 * 1024).now_or_never().is_none(), "it waits");
        memory.message(LARGE - 1).now_or_never().expect("small ones never wait").unwrap();
        memory.answer(200 * 1024, 0).now_or_never().expect("answers have a part of their own").unwrap();
        drop(most);
        memory.message(200 * 1024).now_or_never().expect("there is room now").unwrap();
        let problem = memory.message(385 * 1024).await.unwrap_err();
        assert_eq!(
            problem.to_string(),
            "takes some 394240 bytes in memory, and one may take 393216 (a part of limits.memory)"
        );
    }

    #[tokio::test]
    async fn a_result_gives_back_what_it_does_not_take() {
        let memory = Memory::new(1024 * 1024);
        let mut first = memory.answer(LARGE, usize::MAX).await.unwrap();
        assert!(memory.answer(LARGE, 0).now_or_never().is_none(), "the first may take all");
        first.shrink_to(64 * 1024);
        drop(memory.answer(200 * 1024, 248 * 1024).now_or_never().expect("what it does not take is free"));
        first.shrink_to(0);
        drop(memory.answer(512 * 1024, 0).now_or_never().expect("it takes nothing"));
        memory.answer(513 * 1024, 0).await.unwrap_err();
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
    fn what_an_answer_takes_is_a_question_of_its_format_and_its_character_set() {
        const NODES: usize = 1_000;
        let of_answer = |body: &[u8]| super::of_answer(body, NODES);
        let (xml, many) = ("<a><b c='1'/></a>", format!("<a>{}</a>", "<b/>".repeat(2 * NODES)));
        // Each of its elements and attributes is a member of an object.
        assert!(of_answer(xml.as_bytes()) > 3 * 376, "{}", of_answer(xml.as_bytes()));
        assert!(of_answer(many.as_bytes()) < NODES * 420, "no more of them are read");
        let wide: Vec<u8> = format!("\u{feff}{xml}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(of_answer(&wide) > of_answer(xml.as_bytes()));
        assert_eq!(of_answer(b"\"<a><b/>\""), 18, "a text of JSON");
        assert_eq!(of_answer(&[0xe9; 100]), 600, "as it came, as text and as a value");
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
