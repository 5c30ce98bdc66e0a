//! Messages on their way to one client, as few as say the same.

use std::collections::VecDeque;

use crate::interface::{Event, Message};

/// Says that a client does not take its messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Messages in their order, of which an event replaces an earlier one about the same thing.
///
/// A client that is slow therefore gets the newest answer of each subscription and no backlog.
#[derive(Debug)]
pub(super) struct Queue {
    messages: VecDeque<Message>,
    limit: usize,
}

impl Queue {
    /// Makes an empty queue for at most so many messages.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            limit,
        }
    }

    pub(super) fn push(&mut self, message: Message) -> Result<(), Full> {
        if let Message::Event(event) = &message {
            let same = |queued: &Message| matches!(queued, Message::Event(queued) if replaces(event, queued));
            if let Some(place) = self.messages.iter().rposition(same) {
                self.messages.remove(place);
            }
        }
        if self.messages.len() >= self.limit {
            return Err(Full);
        }
        self.messages.push_back(message);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// Takes the oldest event, past answers that wait for somebody else.
    pub(super) fn pop_event(&mut self) -> Option<Event> {
        let is_event = |message: &Message| matches!(message, Message::Event(_));
        let place = self.messages.iter().position(is_event)?;
        match self.messages.remove(place)? {
            Message::Event(event) => Some(event),
            Message::Answer { .. } | Message::Failure { .. } => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }
}

fn replaces(new: &Event, old: &Event) -> bool {
    match (new, old) {
        (
            Event::Changed {
                subscription: new, ..
            },
            Event::Changed {
                subscription: old, ..
            },
        ) => new == old,
        (Event::Progress { call: new, .. }, Event::Progress { call: old, .. }) => new == old,
        (Event::Changed { .. }, Event::Progress { .. })
        | (Event::Progress { .. }, Event::Changed { .. }) => false,
    }
}
