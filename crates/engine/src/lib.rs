//! The headless app: one request, response and subscribe interface over replica, store and sync.
