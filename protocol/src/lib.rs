//! Frames between client and relay, envelopes, versions, limits and their encoding.
