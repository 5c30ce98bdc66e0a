//! Keys, signatures, sealing, roster and invites.
