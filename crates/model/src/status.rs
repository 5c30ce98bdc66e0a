//! Statuses: the phases of sales projects, the status of inquiries, offers, orders and projects.

use serde::{Deserialize, Serialize};

/// A status with what makes sense only together with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Status {
    /// The word, such as `contacted` or `negotiation`, or the key of a phase of the workspace's own.
    pub word: String,
    /// Why: of a loss, a disqualification, a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Chance of success in percent, for sales projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<i64>,
    /// Where the word stands in its row; travels with the value, because a workspace may reorder phases.
    #[serde(default)]
    pub rank: i64,
    /// Whether this write takes back a win or a conversion, which stands all the same when others worked under it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_back: bool,
}

impl Status {
    /// Makes a status of one word and its rank.
    pub fn of(word: &str, rank: i64) -> Self {
        Self {
            word: word.to_owned(),
            reason: None,
            chance: None,
            rank,
            takes_back: false,
        }
    }

    /// Adds the reason.
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }
}

/// The words of inquiries, offers, orders and projects at which something ended, or was decided.
const ENDS: [&str; 9] = [
    "converted",
    "disqualified",
    "superseded",
    "expired",
    "rejected",
    "accepted",
    "fulfilled",
    "done",
    "cancelled",
];

impl Status {
    /// Tells whether this is a step on the way that another status has left behind: of the two together the other one is
    /// shown, and nobody has to decide anything.
    ///
    /// What somebody gave a reason for, what ends or waits, and what takes a win back is never left behind silently.
    pub fn is_passed_by(&self, other: &Self) -> bool {
        let is_step = course(&self.word) == Course::Open
            && !ENDS.contains(&self.word.as_str())
            && self.reason.is_none()
            && !self.takes_back;
        let is_further = match course(&other.word) {
            Course::Won => true,
            Course::Open => other.rank > self.rank,
            Course::Lost | Course::OnHold => false,
        };
        is_step && is_further
    }
}

/// Which end of the row of phases a status of a sales project is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// On the way, at the rank that the status carries.
    Open,
    /// An order.
    Won,
    /// No order, with a reason.
    Lost,
    /// Waiting for something outside.
    OnHold,
}

/// One default phase of sales projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// The word in commands and registers.
    pub word: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Chance of success in percent; none where the former chance stays.
    pub chance: Option<i64>,
    /// Where it stands in the row.
    pub rank: i64,
}

const fn phase(word: &'static str, title: &'static str, chance: Option<i64>, rank: i64) -> Phase {
    Phase {
        word,
        title,
        chance,
        rank,
    }
}

/// The phases that every workspace starts with (design section 2); settings hold only deviations.
pub const PHASES: [Phase; 7] = [
    phase("qualified", "Qualified", Some(20), 10),
    phase("needs-clarified", "Needs clarified", Some(35), 20),
    phase("offer-sent", "Offer sent", Some(50), 30),
    phase("negotiation", "Negotiation", Some(75), 40),
    phase("won", "Won", Some(100), 100),
    phase("lost", "Lost", Some(0), 0),
    phase("on-hold", "On hold", None, 0),
];

/// The rank of the phase that sending an offer moves to.
pub const OFFER_SENT_RANK: i64 = 30;

/// Tells the course of a sales project from the word of its status.
pub fn course(word: &str) -> Course {
    match word {
        "won" => Course::Won,
        "lost" => Course::Lost,
        "on-hold" => Course::OnHold,
        _ => Course::Open,
    }
}

/// The statuses of an inquiry, with their ranks.
pub const INQUIRY: [(&str, i64); 5] = [
    ("new", 10),
    ("contacted", 20),
    ("qualified", 30),
    ("converted", 100),
    ("disqualified", 0),
];

/// The verdicts on an issued offer, with their ranks.
pub const VERDICTS: [(&str, i64); 5] = [
    ("sent", 10),
    ("expired", 20),
    ("superseded", 30),
    ("rejected", 40),
    ("accepted", 50),
];

/// The statuses of an order.
pub const ORDER: [(&str, i64); 4] = [
    ("open", 10),
    ("confirmed", 20),
    ("fulfilled", 30),
    ("cancelled", 0),
];

/// The statuses of a project.
pub const PROJECT: [(&str, i64); 5] = [
    ("planned", 10),
    ("running", 20),
    ("done", 30),
    ("on-hold", 5),
    ("cancelled", 0),
];

/// Says which of several concurrent statuses of a sales project is shown, and whether it is contested.
///
/// Won with lost is contested (and won is shown as such); else won; else the furthest open phase; else on hold; else lost.
/// The result depends on the set alone; ties are broken by the whole value.
pub fn settle_sales(values: &[Status]) -> Option<(&Status, bool)> {
    let best_of = |wanted: Course| {
        values
            .iter()
            .filter(|status| course(&status.word) == wanted)
            .max_by_key(|status| (status.rank, *status))
    };
    let (won, lost) = (best_of(Course::Won), best_of(Course::Lost));
    let contested = won.is_some() && lost.is_some();
    let shown = won
        .or_else(|| best_of(Course::Open))
        .or_else(|| best_of(Course::OnHold))
        .or(lost)?;
    Some((shown, contested))
}

/// Says which of several concurrent statuses is shown where the furthest counts (inquiries, verdicts).
///
/// A converted inquiry beats a disqualified one, an accepted offer a rejected one; ties are broken by the whole value.
pub fn settle_furthest(values: &[Status]) -> Option<&Status> {
    values.iter().max_by_key(|status| (status.rank, *status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Status> {
        PHASES
            .iter()
            .map(|phase| Status {
                chance: phase.chance,
                ..Status::of(phase.word, phase.rank)
            })
            .collect()
    }

    fn expected(words: &[&str]) -> (&'static str, bool) {
        let has = |word: &str| words.contains(&word);
        if has("won") {
            return ("won", has("lost"));
        }
        for word in [
            "negotiation",
            "offer-sent",
            "needs-clarified",
            "qualified",
            "on-hold",
        ] {
            if has(word) {
                return (word, false);
            }
        }
        ("lost", false)
    }

    #[test]
    fn every_pair_and_triple_in_any_order_settles_alike() {
        let all = all();
        for one in &all {
            for two in &all {
                for three in &all {
                    let values = [one.clone(), two.clone(), three.clone()];
                    let words: Vec<&str> =
                        values.iter().map(|status| status.word.as_str()).collect();
                    let (shown, contested) = settle_sales(&values).unwrap();
                    assert_eq!(
                        (shown.word.as_str(), contested),
                        expected(&words),
                        "{words:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_what_would_not_be_shown_beside_it_is_passed() {
        let all = all();
        for one in &all {
            for other in &all {
                let both = [one.clone(), other.clone()];
                let (shown, contested) = settle_sales(&both).unwrap();
                if one.is_passed_by(other) {
                    assert!(shown == other && !contested, "{one:?} by {other:?}");
                    assert!(course(&one.word) == Course::Open, "{one:?}");
                } else {
                    let decides = shown == one || contested || course(&one.word) != Course::Open;
                    assert!(decides, "{one:?} by {other:?}");
                }
            }
        }
        let won = Status::of("won", 100);
        assert!(
            !Status::of("qualified", 10)
                .because("small")
                .is_passed_by(&won)
        );
        let converted = Status::of("converted", 100);
        assert!(Status::of("contacted", 20).is_passed_by(&converted));
        assert!(!Status::of("disqualified", 0).is_passed_by(&converted));
        let accepted = Status::of("accepted", 50);
        assert!(Status::of("sent", 10).is_passed_by(&accepted));
        assert!(!Status::of("rejected", 40).is_passed_by(&accepted));
    }

    #[test]
    fn a_phase_of_ones_own_counts_by_the_rank_it_travels_with() {
        let own = Status::of("pilot", 45);
        let negotiation = Status::of("negotiation", 40);
        assert_eq!(settle_sales(&[own.clone(), negotiation]).unwrap().0, &own);
    }

    #[test]
    fn converted_beats_disqualified() {
        let values = [
            Status::of("disqualified", 0).because("no budget"),
            Status::of("converted", 100),
        ];
        assert_eq!(settle_furthest(&values).unwrap().word, "converted");
    }
}
