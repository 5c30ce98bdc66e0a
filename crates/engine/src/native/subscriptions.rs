//! The subscriptions of a connection, under numbers that stay the same when another process becomes the owner.

use std::collections::{BTreeMap, HashMap};

use crate::interface::Query;

/// Which number of ours stands for which number of the present engine.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    last: u64,
    ours: HashMap<u64, u64>,
    queries: BTreeMap<u64, Subscribed>,
}

#[derive(Debug)]
struct Subscribed {
    query: Query,
    engines: Option<u64>,
}

impl Subscriptions {
    /// Takes a subscription that the engine made; gives our number.
    pub(super) fn add(&mut self, engines: u64, query: Query) -> u64 {
        self.last += 1;
        let subscribed = Subscribed {
            query,
            engines: Some(engines),
        };
        self.queries.insert(self.last, subscribed);
        self.ours.insert(engines, self.last);
        self.last
    }

    /// Takes the number that a new engine gave to a subscription of ours; false when it has ended meanwhile.
    pub(super) fn made_again(&mut self, ours: u64, engines: u64) -> bool {
        let Some(subscribed) = self.queries.get_mut(&ours) else {
            return false;
        };
        subscribed.engines = Some(engines);
        self.ours.insert(engines, ours);
        true
    }

    /// Gives our number for the engine's.
    pub(super) fn ours(&self, engines: u64) -> Option<u64> {
        self.ours.get(&engines).copied()
    }

    /// Gives the engine's number for ours.
    pub(super) fn engines(&self, ours: u64) -> Option<u64> {
        self.queries.get(&ours)?.engines
    }

    /// Ends a subscription.
    pub(super) fn remove(&mut self, ours: u64) {
        if let Some(engines) = self
            .queries
            .remove(&ours)
            .and_then(|removed| removed.engines)
        {
            self.ours.remove(&engines);
        }
    }

    /// Forgets the engine's numbers, which ended with it; gives what a new one must be asked again.
    pub(super) fn of_new_engine(&mut self) -> Vec<(u64, Query)> {
        self.ours.clear();
        self.queries
            .iter_mut()
            .map(|(ours, subscribed)| {
                subscribed.engines = None;
                (*ours, subscribed.query.clone())
            })
            .collect()
    }
}
