//! The redb tables of a replica, and the backends that redb runs on.
