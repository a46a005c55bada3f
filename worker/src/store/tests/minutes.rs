//! The table of minutes: what several workers add is one count, and what is old goes away.

use std::collections::HashMap;
use std::time::Duration;

use super::contract;
use crate::clock;
use crate::store::ledger::RetentionAges;
use crate::store::minutes::{Ended, EndedJob, PartRow, Span, SumRow};

fn job<'a>(connector: &'a str, code: &'a str) -> EndedJob<'a> {
    let (process, version, element, resource) = ("p", "1", "n", "latest");
    EndedJob { process, version, element, connector, resource, code, duration_ms: Some(12) }
}

fn span(from: i64, to: i64) -> Span<'static> {
    Span { from, to, process: None, version: None }
}

contract! {
    async fn what_workers_add_is_summed_up(fixture: TestStore) {
        let minutes = fixture.store.minutes();
        let odd = "a\0b'\"\\ü";
        let ended = |job: &EndedJob<'_>, at: i64| Ended::new(job, at);
        let counted = HashMap::from([
            (ended(&job("Rates", ""), 60_500), 2),
            (ended(&job("Rates", "HTTP_500"), 60_900), 1),
            (ended(&job(odd, ""), 120_000), 4),
        ]);
        minutes.add(&counted).await.unwrap();
        minutes.add(&HashMap::from([(ended(&job("Rates", ""), 119_999), 3)])).await.unwrap();
        minutes.add(&HashMap::new()).await.unwrap();

        let mut parts = minutes.parts(span(60_000, 180_000), 60_000).await.unwrap();
        parts.sort_by_key(|row| (row.part, row.failed));
        let row = |part, connector: &str, failed, jobs| PartRow { part, connector: connector.to_owned(), failed, jobs };
        let odd = odd.replace('\0', "\u{fffd}");
        assert_eq!(parts, [row(0, "Rates", 0, 5), row(0, "Rates", 1, 1), row(1, &odd, 0, 4)]);
        assert_eq!(minutes.parts(span(120_000, 120_000), 60_000).await.unwrap(), []);

        let sums = minutes.sums(span(60_000, 120_000)).await.unwrap();
        let sum = |sum: &SumRow| (sum.process.clone(), sum.element.clone(), sum.outcome.clone(), sum.duration, sum.jobs);
        let mut sums: Vec<_> = sums.iter().map(sum).collect();
        sums.sort();
        let expected = |outcome: &str, jobs| ("p".to_owned(), "n".to_owned(), outcome.to_owned(), 12, jobs);
        assert_eq!(sums, [expected("", 5), expected("HTTP_500", 1)]);
        let other = Span { process: Some("q"), ..span(0, 180_000) };
        assert_eq!(minutes.sums(other).await.unwrap(), []);
        let same = Span { process: Some("p"), version: Some("1"), ..span(0, 180_000) };
        assert_eq!(minutes.sums(same).await.unwrap().len(), 3);

        // A span of whole hours is read from a table of its own.
        minutes.add(&HashMap::from([(ended(&job("Rates", ""), 3_600_000), 8)])).await.unwrap();
        let mut hours = minutes.parts(span(0, 7_200_000), 3_600_000).await.unwrap();
        hours.sort_by_key(|row| (row.part, row.failed, row.jobs));
        assert_eq!(hours, [row(0, &odd, 0, 4), row(0, "Rates", 0, 5), row(0, "Rates", 1, 1), row(1, "Rates", 0, 8)]);
        let sums = minutes.sums(span(0, 7_200_000)).await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.jobs).sum::<i64>(), 18);
    }
}

contract! {
    async fn old_minutes_are_dropped(fixture: TestStore) {
        let minutes = fixture.store.minutes();
        let (now, day) = (clock::now_ms(), 24 * 3_600_000);
        let ended = |days: i64| Ended::new(&job("Rates", ""), now - days * day);
        minutes.add(&HashMap::from([(ended(91), 1), (ended(89), 1), (ended(100), 1)])).await.unwrap();
        let age = Duration::from_hours(1);
        let ages = RetentionAges { jobs: age, payloads: age, dead_letters: age };
        fixture.store.ledger("w").retain(ages).await.unwrap();
        let kept = minutes.parts(span(0, now), day).await.unwrap();
        assert_eq!(kept.iter().map(|row| row.jobs).sum::<i64>(), 1);
        assert_eq!(fixture.number("SELECT COUNT(*) FROM hours").await, 1);
    }
}
