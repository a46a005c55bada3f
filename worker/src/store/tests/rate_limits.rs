//! Slots are as far apart as the rate says, whichever worker reserves them, and time in which none was reserved is not made up for.

use std::time::Duration;

use super::contract;
use super::test_store::{KEY, open};

contract! {
    async fn slots_are_spaced_whoever_reserves_them(fixture: TestStore) {
        let (one, other) = (&fixture.store, open(&fixture.url, KEY).await.unwrap());
        let every = Duration::from_secs(10);
        let mut waits = Vec::new();
        for n in 0..6 {
            let store = if n % 2 == 0 { one } else { &other };
            waits.push(store.rate_limits().reserve_slot("a", every).await.unwrap().as_secs_f64());
        }
        for (n, wait) in (0_u32..).zip(&waits) {
            let expected = f64::from(n) * 10.0;
            assert!((expected - 5.0..=expected).contains(wait), "turn {n} in {wait} s");
        }
        assert_eq!(one.rate_limits().reserve_slot("b", every).await.unwrap(), Duration::ZERO, "another bucket has turns of its own");
    }
}

contract! {
    async fn time_that_nobody_used_is_gone(fixture: TestStore) {
        let every = Duration::from_millis(100);
        fixture.store.rate_limits().reserve_slot("a", every).await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(fixture.store.rate_limits().reserve_slot("a", every).await.unwrap(), Duration::ZERO);
        let next = fixture.store.rate_limits().reserve_slot("a", every).await.unwrap();
        assert!(!next.is_zero() && next <= every, "{next:?}");
    }
}
