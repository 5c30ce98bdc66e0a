//! From the inquiry to the order.

use clap::Args;

/// Flags of `convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// The inquiry.
    #[arg(value_name = "ID")]
    pub id: String,
    /// An existing customer; without it, a new one.
    #[arg(long, value_name = "CUSTOMER")]
    pub into: Option<String>,
    /// An existing contact person of that customer; without it, a new one.
    #[arg(long, value_name = "CONTACT")]
    pub contact: Option<String>,
    /// It becomes a partner: no sales project.
    #[arg(long)]
    pub partner: bool,
}

/// Flags of `disqualify`.
#[derive(Debug, Args)]
pub struct Disqualify {
    /// The inquiry.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: String,
}

/// Flags of `offer`.
#[derive(Debug, Args)]
pub struct Offer {
    /// The sales project.
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// A line: 'text;quantity;unit;price;discount;vat', discount and VAT in percent; may be repeated.
    #[arg(long, value_name = "LINE", required = true, allow_hyphen_values = true)]
    pub item: Vec<String>,
    /// A name for it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Until when it holds.
    #[arg(long, value_name = "DATE")]
    pub valid_until: Option<String>,
}

/// Flags of `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// The offer.
    #[arg(value_name = "OFFER")]
    pub offer: String,
    /// The content that you saw, as `show OFFER --json` gives it; refused if the offer has changed since.
    #[arg(long, value_name = "HASH")]
    pub content: Option<String>,
}

/// Flags of `accept`.
#[derive(Debug, Args)]
pub struct Accept {
    /// The issued offer.
    #[arg(value_name = "ISSUED")]
    pub issued: String,
}

/// Flags of `reject`.
#[derive(Debug, Args)]
pub struct Reject {
    /// The issued offer.
    #[arg(value_name = "ISSUED")]
    pub issued: String,
    /// Why.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: Option<String>,
}

/// Flags of `phase`.
#[derive(Debug, Args)]
pub struct Phase {
    /// The sales project or inquiry.
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// The phase, such as qualified, needs-clarified, offer-sent, negotiation, won, lost, on-hold.
    #[arg(value_name = "STATUS")]
    pub status: String,
    /// A chance of success set by hand, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i64).range(0..=100))]
    pub chance: Option<i64>,
    /// Why, for a loss or a hold.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: Option<String>,
}

/// Flags of `win`.
#[derive(Debug, Args)]
pub struct Win {
    /// The sales project.
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// The issued offer that won.
    #[arg(long, value_name = "ISSUED")]
    pub offer: Option<String>,
}

/// Flags of `lose`.
#[derive(Debug, Args)]
pub struct Lose {
    /// The sales project.
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Why.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: String,
}

/// Flags of `hold`.
#[derive(Debug, Args)]
pub struct Hold {
    /// The sales project.
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Why.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: Option<String>,
}

/// Flags of `confirm`.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The order.
    #[arg(value_name = "ORDER")]
    pub order: String,
    /// The customer's reference.
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
}
