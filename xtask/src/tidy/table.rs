//! The house as data: each package with its purpose, what it imports of ours, and what it never imports.
//!
//! Only what a package names itself counts, since that is what its code can say.

/// One package of the house.
pub(super) struct Rule {
    /// Its name for cargo.
    pub(super) package: &'static str,
    /// Its folder, relative to the root.
    pub(super) folder: &'static str,
    /// What it is for, in one sentence.
    pub(super) purpose: &'static str,
    /// Which of our packages it may import.
    pub(super) ours: &'static [&'static str],
    /// What of others' it never imports, beside what [`ONLY`] reserves.
    pub(super) never: &'static [&'static Group],
    /// Whether others of ours may import it where their own rule says so.
    pub(super) is_importable: bool,
    /// Whether it may import anything, ours or others'.
    pub(super) may_import_any: bool,
}

/// Packages of others' that are forbidden together.
pub(super) struct Group {
    /// What messages call them.
    pub(super) name: &'static str,
    /// Their names; `*` at the end stands for anything.
    pub(super) packages: &'static [&'static str],
    /// Why they are kept out.
    pub(super) reason: &'static str,
}

/// Reserves a group for a few of our packages.
pub(super) struct Only {
    /// What is reserved.
    pub(super) group: &'static Group,
    /// For whom.
    pub(super) packages: &'static [&'static str],
}

static AUTOMERGE: Group = Group {
    name: "automerge",
    packages: &[
        "automerge",
        "automerge-*",
        "autosurgeon",
        "samod",
        "samod-*",
    ],
    reason: "documents have one door, so that their library can change behind it",
};
static REDB: Group = Group {
    name: "redb",
    packages: &["redb", "redb-*"],
    reason: "tables have one door on each side, so that their format is listed in one place",
};
static CIPHERS: Group = Group {
    name: "ciphers",
    packages: &[
        "aead",
        "aes*",
        "argon2",
        "aws-lc-*",
        "chacha20*",
        "cipher",
        "crypto_*",
        "curve25519-dalek",
        "dryoc",
        "ed25519*",
        "hkdf",
        "hmac",
        "hpke*",
        "libsodium-*",
        "orion",
        "p256",
        "ring",
        "sodiumoxide",
        "x25519-dalek",
        "xsalsa20*",
    ],
    reason: "what is secret and how is decided in one place",
};
static TOKIO: Group = Group {
    name: "tokio",
    packages: &["tokio", "tokio-*", "async-std", "smol"],
    reason: "it does no I/O of its own and runs in a browser too",
};
static EGUI: Group = Group {
    name: "egui",
    packages: &["egui", "egui_*", "eframe", "epaint", "winit"],
    reason: "what is shown is the client's business",
};
static AXUM: Group = Group {
    name: "axum",
    packages: &["axum", "axum-*", "hyper", "hyper-*", "tower", "tower-*"],
    reason: "only the relay serves",
};
static SOCKETS: Group = Group {
    name: "sockets",
    packages: &[
        "interprocess",
        "mio",
        "quinn",
        "reqwest",
        "socket2",
        "tokio-tungstenite",
        "tungstenite",
        "ureq",
    ],
    reason: "bytes come in and go out as arguments",
};
static CLOCKS: Group = Group {
    name: "clocks",
    packages: &[
        "chrono",
        "coarsetime",
        "instant",
        "quanta",
        "time",
        "web-time",
    ],
    reason: "time is an argument; clippy.toml bans the calls of jiff and std",
};
static RANDOMNESS: Group = Group {
    name: "randomness",
    packages: &["fastrand", "getrandom", "oorandom", "rand", "rand_*"],
    reason: "random bytes are an argument",
};

/// What only some packages may name, in their tests too.
pub(super) static ONLY: [Only; 3] = [
    Only {
        group: &AUTOMERGE,
        packages: &["replica"],
    },
    Only {
        group: &REDB,
        packages: &["store", "handschlag-relay"],
    },
    Only {
        group: &CIPHERS,
        packages: &["vault"],
    },
];

/// A library of ours with no permissions; each entry of the table says what differs.
const LIBRARY: Rule = Rule {
    package: "",
    folder: "",
    purpose: "",
    ours: &[],
    never: &[],
    is_importable: true,
    may_import_any: false,
};

/// The house from the bottom up; a package may import only what stands before it.
pub(super) static RULES: [Rule; 13] = [
    Rule {
        package: "sabotage",
        folder: "crates/sabotage",
        purpose: "Breaks on purpose, one at a time, so that tests can show that they catch them; in nothing that ships.",
        never: &[&TOKIO, &EGUI, &AXUM, &SOCKETS, &CLOCKS, &RANDOMNESS],
        ..LIBRARY
    },
    Rule {
        package: "model",
        folder: "crates/model",
        purpose: "The domain, pure: record kinds and their fields, values, ids, intents and their rules, merge rules, number series, phases, roles.",
        ours: &["sabotage"],
        never: &[&TOKIO, &EGUI, &AXUM, &SOCKETS, &CLOCKS, &RANDOMNESS],
        ..LIBRARY
    },
    Rule {
        package: "protocol",
        folder: "protocol",
        purpose: "Frames between client and relay, envelopes, versions, limits, encoding; golden bytes.",
        never: &[&AXUM, &TOKIO, &EGUI, &SOCKETS],
        ..LIBRARY
    },
    Rule {
        package: "store",
        folder: "crates/store",
        purpose: "The redb tables of a replica, and the backends that redb runs on.",
        ours: &["sabotage"],
        never: &[&EGUI, &TOKIO, &AXUM, &SOCKETS],
        ..LIBRARY
    },
    Rule {
        package: "interchange",
        folder: "crates/interchange",
        purpose: "vCard, CSV and JSON in and out.",
        ours: &["model"],
        never: &[&EGUI, &TOKIO, &AXUM, &SOCKETS],
        ..LIBRARY
    },
    Rule {
        package: "vault",
        folder: "crates/vault",
        purpose: "Keys, signatures, sealing, roster, invites; the only crate that names a cipher.",
        ours: &["protocol", "sabotage"],
        never: &[&EGUI, &TOKIO, &AXUM, &SOCKETS],
        ..LIBRARY
    },
    Rule {
        package: "replica",
        folder: "crates/replica",
        purpose: "Documents and views: turns intents into transactions, applies transactions, resolves conflicts by the model's rules, answers queries.",
        ours: &["model", "store", "sabotage"],
        never: &[&TOKIO, &EGUI, &AXUM, &SOCKETS, &CLOCKS],
        ..LIBRARY
    },
    Rule {
        package: "sync",
        folder: "crates/sync",
        purpose: "The client's and the relay's half of a session as state machines without I/O.",
        ours: &["protocol", "vault", "sabotage"],
        never: &[&TOKIO, &EGUI, &AXUM, &SOCKETS, &CLOCKS, &RANDOMNESS],
        ..LIBRARY
    },
    Rule {
        package: "engine",
        folder: "crates/engine",
        purpose: "The headless app: one request, response and subscribe interface over replica, store and sync.",
        ours: &[
            "model",
            "protocol",
            "store",
            "interchange",
            "vault",
            "replica",
            "sync",
            "sabotage",
        ],
        never: &[&EGUI, &AXUM],
        ..LIBRARY
    },
    Rule {
        package: "handschlag",
        folder: "client",
        purpose: "The app and the command line: a library with thin shells.",
        ours: &["model", "interchange", "engine"],
        never: &[&AXUM],
        ..LIBRARY
    },
    Rule {
        package: "handschlag-relay",
        folder: "server",
        purpose: "The relay: roster check, the change log behind a trait, forwarding of sealed transactions.",
        ours: &["protocol", "vault", "sync", "sabotage"],
        never: &[&EGUI],
        ..LIBRARY
    },
    Rule {
        package: "handschlag-tests",
        folder: "tests",
        purpose: "The simulator, end-to-end tests over real sockets and processes, and what they are measured against.",
        is_importable: false,
        may_import_any: true,
        ..LIBRARY
    },
    Rule {
        package: "xtask",
        folder: "xtask",
        purpose: "The project's own tasks: run, test, ci, demo, tidy.",
        is_importable: false,
        ..LIBRARY
    },
];
