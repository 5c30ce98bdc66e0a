//! Roles of members and what each may do (design section 8).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a member may do; the order is that of rank, the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Invites, revokes, changes roles and settings.
    Admin,
    /// Reads and writes.
    Member,
    /// Reads.
    Guest,
}

impl Role {
    /// Gives the word in commands.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Member => "member",
            Role::Guest => "guest",
        }
    }

    /// Tells whether the role may write records.
    pub fn may_write(self) -> bool {
        self != Role::Guest
    }

    /// Tells whether the role may invite, change settings and undo what others did.
    pub fn may_administer(self) -> bool {
        matches!(self, Role::Owner | Role::Admin)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Role::Owner, Role::Admin, Role::Member, Role::Guest]
            .into_iter()
            .find(|role| role.name() == text.trim().to_lowercase())
            .ok_or_else(|| format!("'{text}' is no role; roles are owner, admin, member, guest"))
    }
}
