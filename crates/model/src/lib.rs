//! The domain, pure: record kinds, fields, values, ids, intents and their rules, merge rules, numbers, phases, roles.
