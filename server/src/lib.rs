//! The relay: roster check, change log and forwarding of sealed transactions.
