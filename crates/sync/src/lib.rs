//! The client's and the relay's half of a session as state machines without I/O.
