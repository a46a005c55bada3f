//! A worker and a host that are simulated: what jobs wait and when the host is called.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

/// Jobs in hand, and calls to one host.
const IN_HAND: usize = 256;
const PLACES: usize = 204;
/// How long a job waits for a place before it is put off.
const PATIENCE: f64 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Job {
    resource: &'static str,
    attempts: u32,
    /// When it first found that its resource does not answer.
    waits_since: Option<f64>,
    submitted: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Submitted(Job),
    Returns(Job),
    /// A call ends: with an answer or without, after this time.
    Ends(Job, Passage, bool, f64),
    Rechecks,
    /// It may be a probe now.
    Asks(Job),
}

/// What a host does with a call at this second since the start: whether it answers, and after what time.
type Behaviour = fn(&'static str, f64) -> (bool, f64);

struct Simulation {
    host: Host,
    behaviour: Behaviour,
    begun: Instant,
    now: f64,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    kinds: HashMap<u64, Event>,
    number: u64,
    queue: VecDeque<Job>,
    in_hand: usize,
    waiting: VecDeque<(Job, f64)>,
    random: fastrand::Rng,
    /// The bound of a wait for a host.
    host_wait: f64,
    calls: Vec<(f64, &'static str)>,
    /// When, which resource, whether it was answered, and how long it took.
    done: Vec<(f64, &'static str, bool, f64)>,
    put_off: usize,
}

impl Simulation {
    fn new(behaviour: Behaviour) -> Self {
        Self {
            host: Host::default(),
            behaviour,
            begun: Instant::now(),
            now: 0.0,
            events: BinaryHeap::new(),
            kinds: HashMap::new(),
            number: 0,
            queue: VecDeque::new(),
            in_hand: 0,
            waiting: VecDeque::new(),
            random: fastrand::Rng::with_seed(7),
            host_wait: 60.0,
            calls: Vec::new(),
            done: Vec::new(),
            put_off: 0,
        }
    }

    fn submit(&mut self, resource: &'static str, jobs: usize, attempts: u32, at: f64) {
        for _ in 0..jobs {
            self.at(at, Event::Submitted(Job { resource, attempts, waits_since: None, submitted: at }));
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds of a few minutes")]
    fn at(&mut self, at: f64, event: Event) {
        self.number += 1;
        self.events.push(Reverse(((at * 1e6) as u64, self.number)));
        self.kinds.insert(self.number, event);
    }

    fn instant(&self) -> Instant {
        self.begun + Duration::from_secs_f64(self.now)
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a few minutes")]
    fn run(&mut self, until: f64) -> &mut Self {
        while let Some(Reverse((at, number))) = self.events.pop() {
            self.now = at as f64 / 1e6;
            if self.now > until {
                break;
            }
            match self.kinds.remove(&number).expect("an event") {
                Event::Submitted(job) | Event::Returns(job) => self.queue.push_back(job),
                Event::Ends(job, passage, is_answered, took) => self.ends(job, passage, is_answered, took),
                Event::Rechecks => {}
                Event::Asks(job) => self.begins(job, None),
            }
            self.look_again();
            while self.in_hand < IN_HAND
                && let Some(job) = self.queue.pop_front()
            {
                self.in_hand += 1;
                self.begins(job, None);
            }
        }
        self
    }

    fn ends(&mut self, job: Job, passage: Passage, is_answered: bool, took: f64) {
        let silent = LastFailure { code: Code::Http(503), status: Some(503) };
        let end = if is_answered { End::Answered(Duration::from_secs_f64(took)) } else { End::Silent(silent) };
        self.host.ended(job.resource, passage, end, PLACES, self.instant());
        self.in_hand -= 1;
        match (is_answered, job.attempts) {
            (false, 2..) => self.at(self.now + 1.0, Event::Returns(Job { attempts: job.attempts - 1, ..job })),
            _ => self.done.push((self.now, job.resource, is_answered, self.now - job.submitted)),
        }
    }

    fn look_again(&mut self) {
        for (job, since) in std::mem::take(&mut self.waiting) {
            self.begins(job, Some(since));
        }
    }

    fn begins(&mut self, job: Job, since: Option<f64>) {
        let places = Places { host: PLACES, unknown: PLACES };
        let now = self.instant();
        let is_silent = match self.host.turn(job.resource, places, self.random.f64(), now) {
            Turn::Now(passage) => {
                self.calls.push((self.now, job.resource));
                let (is_answered, took) = (self.behaviour)(job.resource, self.now);
                return self.at(self.now + took, Event::Ends(job, passage, is_answered, took));
            }
            Turn::Wait { until } if self.now < since.unwrap_or(self.now) + PATIENCE => {
                self.waiting.push_back((job, since.unwrap_or(self.now)));
                let at = until.duration_since(self.begun).as_secs_f64();
                return self.at(at + 1e-6, Event::Rechecks);
            }
            Turn::Next { at } => {
                let at = at.duration_since(self.begun).as_secs_f64();
                return self.at(at + 1e-6, Event::Asks(job));
            }
            Turn::Wait { .. } | Turn::Unknown => false,
            Turn::Hangs | Turn::Open(_) => true,
        };
        self.in_hand -= 1;
        self.put_off += 1;
        let job = Job { waits_since: job.waits_since.or(is_silent.then_some(self.now)), ..job };
        let is_open = self.host.is_silent(job.resource);
        if is_open && job.waits_since.is_some_and(|since| self.now - since >= self.host_wait) {
            return self.done.push((self.now, job.resource, false, self.now - job.submitted));
        }
        // The ladder knows whole seconds.
        let wait = self.host.comes_back(self.random.f64(), now).as_secs_f64();
        let wait = (wait + self.random.f64()).floor().max(1.0);
        self.at(self.now + wait, Event::Returns(job));
    }

    fn last(&self, resource: &str) -> f64 {
        let of = self.done.iter().filter(|(_, name, ..)| *name == resource);
        of.map(|(at, ..)| *at).fold(0.0, f64::max)
    }

    fn calls(&self, resource: &str, from: f64, to: f64) -> usize {
        self.calls.iter().filter(|(at, name)| *name == resource && (from..to).contains(at)).count()
    }
}

/// Jobs, what a call takes, and when all are done: no later than places come free.
#[test]
fn a_burst_takes_as_long_as_its_calls_cold_and_warm() {
    let fast: Behaviour = |_, _| (true, 0.2);
    let slow: Behaviour = |_, _| (true, 2.0);
    for (jobs, behaviour, took, rounds) in [
        (20, fast, 0.2, 1.0),
        (100, fast, 0.2, 1.0),
        (500, fast, 0.2, 3.0),
        (20, slow, 2.0, 1.0),
        (100, slow, 2.0, 1.0),
        (500, slow, 2.0, 3.0),
    ] {
        let mut simulation = Simulation::new(behaviour);
        simulation.submit("r", jobs, 1, 0.0);
        simulation.submit("r", jobs, 1, 60.0);
        simulation.run(120.0);
        let cold = simulation.done.iter().filter(|(at, ..)| *at < 60.0).map(|(at, ..)| *at).fold(0.0, f64::max);
        let expected = took * rounds;
        assert!((cold - expected).abs() < 0.01, "{jobs} cold at {took}: {cold}");
        assert!((simulation.last("r") - 60.0 - expected).abs() < 0.01, "{jobs} warm: {}", simulation.last("r"));
        assert_eq!((simulation.done.len(), simulation.put_off), (2 * jobs, 0), "{jobs} at {took}");
    }
}

/// A host that is down in this way and for so long, and the most calls that it gets meanwhile.
#[test]
fn a_host_that_is_back_gets_all_that_wait_within_five_seconds() {
    let refuses: Behaviour = |_, at| (at >= 20.0, 0.01);
    let unavailable: Behaviour = |_, at| (at >= 90.0, 0.2);
    let hangs: Behaviour = |_, at| if at >= 20.0 { (true, 0.2) } else { (false, 10.0) };
    // Probes that the host had accepted before it was back take their time, and come again after that.
    for (behaviour, back, host_wait, least, most, hung) in
        [(refuses, 20.0, 60.0, 200, 240, 0), (unavailable, 90.0, 120.0, 240, 310, 0), (hangs, 20.0, 60.0, 198, 240, 6)]
    {
        let mut simulation = Simulation::new(behaviour);
        simulation.host_wait = host_wait;
        simulation.submit("r", 300, 12, 0.0);
        simulation.run(200.0);
        let late = simulation.calls("r", back + 5.0, 200.0);
        assert!(late <= hung, "{late} calls more than 5 s after it was back at {back}");
        assert!(simulation.done.iter().all(|(_, _, is_answered, _)| *is_answered) && simulation.done.len() == 300);
        let calls = simulation.calls("r", 0.0, back);
        assert!((least..most).contains(&calls), "{calls} calls while it was down until {back}");
    }
}

#[test]
fn a_host_that_is_down_for_good_is_waited_for_as_long_as_that_may_take() {
    for (attempts, down) in [(1, (false, 0.01)), (2, (false, 0.01)), (1, (false, 2.0))] {
        let behaviour: Behaviour = if down.1 < 1.0 { |_, _| (false, 0.01) } else { |_, _| (false, 2.0) };
        let mut simulation = Simulation::new(behaviour);
        simulation.submit("r", 300, attempts, 0.0);
        simulation.run(200.0);
        assert_eq!(simulation.done.len(), 300);
        let last = simulation.last("r");
        assert!(last < 67.0, "{attempts} attempts: the last one ends at {last}");
        let later = simulation.calls("r", 5.0, 60.0);
        assert!((25..=60).contains(&later), "one probe a second, or each other one: {later}");
    }
}

#[test]
fn one_resource_of_many_that_hangs_keeps_no_other_from_going_on() {
    let behaviour: Behaviour = |resource, _| if resource == "dead" { (false, 10.0) } else { (true, 0.2) };
    let mut simulation = Simulation::new(behaviour);
    simulation.submit("dead", 300, 1, 0.0);
    simulation.submit("good", 40, 1, 0.5);
    simulation.submit("good", 200, 1, 20.0);
    simulation.submit("other", 10, 1, 20.0);
    simulation.run(200.0);
    let took = |from: f64| {
        let well = simulation.done.iter().filter(|(at, _, is_answered, took)| *is_answered && at - took >= from);
        well.map(|(.., took)| *took).fold(0.0, f64::max)
    };
    assert!(took(0.0) < 8.0, "while nothing is known of either: {}", took(0.0));
    assert!(took(10.0) < 2.0, "{}", took(10.0));
    assert_eq!(simulation.done.iter().filter(|(_, _, is_answered, _)| *is_answered).count(), 250);
    assert!(simulation.last("dead") < 80.0, "{}", simulation.last("dead"));
}

#[test]
fn a_host_that_flaps_is_called_whenever_it_is_there() {
    let behaviour: Behaviour = |_, at| ((at % 10.0) < 5.0, 0.1);
    let mut simulation = Simulation::new(behaviour);
    for second in 0..40 {
        simulation.submit("r", 20, 6, f64::from(second));
    }
    simulation.run(200.0);
    assert_eq!(simulation.done.len(), 800);
    assert!(simulation.done.iter().all(|(_, _, is_answered, _)| *is_answered));
    let longest = simulation.done.iter().map(|(.., took)| *took).fold(0.0, f64::max);
    assert!(longest < 10.0, "{longest}");
}

#[test]
fn an_answer_of_one_resource_says_nothing_about_another() {
    let (mut host, now) = (Host::default(), Instant::now());
    let places = Places { host: 20, unknown: 20 };
    let silent = End::Silent(LastFailure { code: Code::Timeout, status: None });
    for n in 1..=FAILURES {
        for (resource, end) in [("dead", silent), ("good", End::Answered(Duration::from_millis(9)))] {
            let Turn::Now(passage) = host.turn(resource, places, 1.0, now) else { panic!("{resource} {n}") };
            let opens = resource == "dead" && n == FAILURES;
            let expected = if opens { Change::Opened } else { Change::None };
            assert_eq!(host.ended(resource, passage, end, 20, now), expected, "{resource} {n}");
        }
    }
    assert!(
        matches!(host.turn("dead", places, 0.0, now), Turn::Next { at } if at > now),
        "it waits to be the next probe"
    );
    assert!(matches!(host.turn("dead", places, 0.0, now), Turn::Open(Some(last)) if last.code == Code::Timeout));
    for n in 1..=FAILURES_IN_DOUBT {
        let Turn::Now(passage) = host.turn("third", places, 1.0, now) else { panic!("{n}") };
        let expected = if n == FAILURES_IN_DOUBT { Change::Opened } else { Change::None };
        assert_eq!(host.ended("third", passage, silent, 20, now), expected, "what was seen of one counts: {n}");
    }
    assert!(matches!(host.turn("good", places, 1.0, now), Turn::Now(Passage::Call)));
}

/// What others leave limits only what is not known to answer.
#[test]
fn an_unknown_resource_gets_the_places_that_others_leave() {
    let now = Instant::now();
    for (is_known, unknown, expected) in [(false, 198, 198), (true, 198, 198), (false, 6, 6), (true, 6, 198)] {
        let mut host = Host::default();
        if is_known {
            let Turn::Now(passage) = host.turn("r", Places { host: PLACES, unknown }, 1.0, now) else { panic!() };
            host.ended("r", passage, End::Answered(Duration::from_millis(9)), PLACES, now);
        }
        let places = Places { host: PLACES, unknown };
        let turns: Vec<Turn> = (0..300).map(|_| host.turn("r", places, 1.0, now)).collect();
        assert_eq!(turns.iter().filter(|turn| matches!(turn, Turn::Now(_))).count(), expected, "{is_known} {unknown}");
        assert_eq!(turns.last() == Some(&Turn::Unknown), expected == 6, "{is_known} {unknown}");
        assert_eq!(host.demand(now), usize::from(is_known), "what has not answered needs nothing");
    }
}
