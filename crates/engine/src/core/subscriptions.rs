//! Subscriptions: clients are told when the answer to a query has changed.

use std::collections::BTreeMap;

use super::Core;
use crate::headless::{ClientId, Output};
use crate::interface::{Answer, Event, Failure, Message, Query};

/// The most subscriptions that one client may have.
const MAX_SUBSCRIPTIONS: usize = 256;

/// One client's wish to be told.
pub(super) struct Subscription {
    pub(super) client: ClientId,
    query: Query,
    last: Answer,
}

impl Core {
    pub(super) fn subscribe(&mut self, client: ClientId, query: Query) -> Result<Answer, Failure> {
        let own = self
            .subscriptions
            .values()
            .filter(|subscription| subscription.client == client)
            .count();
        if own >= MAX_SUBSCRIPTIONS {
            return Err(Failure::new(
                "too-many-subscriptions",
                format!("one client has at most {MAX_SUBSCRIPTIONS} subscriptions"),
                Some("end those that are not looked at"),
            ));
        }
        let answer = self.query(&query)?;
        self.last_subscription += 1;
        let subscription = self.last_subscription;
        self.subscriptions.insert(
            subscription,
            Subscription {
                client,
                query,
                last: answer.clone(),
            },
        );
        Ok(Answer::Subscribed {
            subscription,
            answer: Box::new(answer),
        })
    }

    pub(super) fn unsubscribe(
        &mut self,
        client: ClientId,
        subscription: u64,
    ) -> Result<(), Failure> {
        let is_own = self
            .subscriptions
            .get(&subscription)
            .is_some_and(|one| one.client == client);
        if !is_own {
            let reason = format!("there is no subscription {subscription}");
            return Err(Failure::new("no-such-subscription", reason, None));
        }
        self.subscriptions.remove(&subscription);
        Ok(())
    }

    /// Works out the subscribed answers anew and tells those that have changed.
    pub(super) fn tell_subscribers(&mut self) {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        let mut kept = BTreeMap::new();
        for (number, mut subscription) in subscriptions {
            // What can no longer be answered, since the home is damaged or empty now, is told at the next request.
            if let Ok(answer) = self.query(&subscription.query)
                && answer != subscription.last
            {
                subscription.last = answer.clone();
                let event = Event::Changed {
                    subscription: number,
                    answer: Box::new(answer),
                };
                self.outputs
                    .push_back(Output::Tell(subscription.client, Message::Event(event)));
            }
            kept.insert(number, subscription);
        }
        self.subscriptions = kept;
    }
}
