//! Offers: amounts of line items, what was sent, and how it was answered.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::id::RecordId;
use crate::record::{self, RecordView};
use crate::status::Status;
use crate::value::{LineItem, Money, Value};
use crate::world::World;

/// The amounts of an offer, in minor units of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The currency of all amounts.
    pub currency: String,
    /// The sum of the lines.
    pub net: i64,
    /// The tax under each rate, in percent.
    pub vat: Vec<VatTotal>,
    /// Net and tax.
    pub gross: i64,
}

/// The tax under one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VatTotal {
    /// The rate in percent.
    pub rate: Decimal,
    /// The net amount it applies to, in minor units.
    pub net: i64,
    /// The tax, in minor units.
    pub tax: i64,
}

/// Says why line items have no totals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TotalsError {
    /// Amounts of several currencies cannot be added.
    #[error("the line items are in {0} and {1}; an offer has one currency")]
    Currencies(String, String),
    /// An amount is larger than money can be.
    #[error("the amount of line '{0}' is too large")]
    TooLarge(String),
}

impl LineItem {
    /// Computes the net amount of the line in minor units, rounded half up.
    pub fn net(&self) -> Option<i64> {
        let whole = Decimal::from(self.price.minor).checked_mul(self.quantity)?;
        let share = Decimal::ONE_HUNDRED
            .checked_sub(self.discount)?
            .checked_div(Decimal::ONE_HUNDRED)?;
        round(whole.checked_mul(share)?)
    }

    /// Computes the tax of the line in minor units, rounded half up.
    pub fn tax(&self) -> Option<i64> {
        round(
            Decimal::from(self.net()?)
                .checked_mul(self.vat)?
                .checked_div(Decimal::ONE_HUNDRED)?,
        )
    }
}

fn round(amount: Decimal) -> Option<i64> {
    amount
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// Adds up line items: net, tax per rate and gross, rounded per line half up.
pub fn totals<'a>(
    items: impl IntoIterator<Item = &'a LineItem>,
    currency: &str,
) -> Result<Totals, TotalsError> {
    let mut totals = Totals {
        currency: String::new(),
        net: 0,
        vat: Vec::new(),
        gross: 0,
    };
    let mut rates: BTreeMap<Decimal, (i64, i64)> = BTreeMap::new();
    for item in items {
        if totals.currency.is_empty() {
            totals.currency.clone_from(&item.price.currency);
        } else if totals.currency != item.price.currency {
            return Err(TotalsError::Currencies(
                totals.currency,
                item.price.currency.clone(),
            ));
        }
        let too_large = || TotalsError::TooLarge(item.text.clone());
        let (net, tax) = item.net().zip(item.tax()).ok_or_else(too_large)?;
        totals.net = totals.net.checked_add(net).ok_or_else(too_large)?;
        let (of_rate, tax_of_rate) = rates.entry(item.vat.normalize()).or_default();
        *of_rate = of_rate.checked_add(net).ok_or_else(too_large)?;
        *tax_of_rate = tax_of_rate.checked_add(tax).ok_or_else(too_large)?;
    }
    if totals.currency.is_empty() {
        totals.currency = currency.to_owned();
    }
    totals.gross = totals.net + rates.values().map(|(_, tax)| tax).sum::<i64>();
    totals.vat = rates
        .into_iter()
        .map(|(rate, (net, tax))| VatTotal { rate, net, tax })
        .collect();
    Ok(totals)
}

/// Lists the offers of a sales project and of what was merged into it, in the order of their ids.
pub fn offers_of(world: &dyn World, sales_project: RecordId) -> Vec<RecordView> {
    let mut projects = record::losers(world, sales_project);
    projects.push(sales_project);
    let mut offers: Vec<RecordView> = projects
        .iter()
        .flat_map(|project| world.referrers(*project, "sales_project"))
        .filter_map(|id| record::record(world, id))
        .filter(|view| view.kind == crate::Kind::Offer && view.is_alive())
        .collect();
    offers.sort_by_key(|offer| offer.id);
    offers
}

/// Lists the issued offers of a sales project whose verdict is this word, in the order of their ids.
pub fn issued_with_verdict(
    world: &dyn World,
    sales_project: RecordId,
    word: &str,
) -> Vec<RecordId> {
    let mut found: Vec<RecordId> = offers_of(world, sales_project)
        .iter()
        .flat_map(|offer| {
            offer
                .list("verdict")
                .filter_map(|(key, value)| match value {
                    Value::Status(status) if status.word == word => {
                        key.strip_prefix("verdict/")?.parse().ok()
                    }
                    _ => None,
                })
                .collect::<Vec<RecordId>>()
        })
        .collect();
    found.sort_unstable();
    found
}

/// Gives the status of an offer (draft, or the verdict on what was sent last) or of an issued offer (its verdict).
///
/// No register holds it: what became of an issued offer stands in its offer, and nothing of it is ever written twice.
pub(crate) fn status_of(world: &dyn World, view: &RecordView) -> Option<Status> {
    if view.kind == crate::Kind::Offer {
        let newest = view.list("issued").filter_map(|(key, value)| match value {
            Value::Issue(issue) => Some((issue.version, key.strip_prefix("issued/")?)),
            _ => None,
        });
        return match newest.max() {
            Some((_, issued)) => verdict_on(view, issued),
            None => Some(Status::of("draft", 0)),
        };
    }
    let offer = record::record(world, view.reference("offer")?)?;
    verdict_on(&offer, &view.id.to_string())
}

fn verdict_on(offer: &RecordView, issued: &str) -> Option<Status> {
    match offer.value(&format!("verdict/{issued}"))? {
        Value::Status(status) => Some(status.clone()),
        _ => None,
    }
}

/// Gives the net amount of an issued offer.
pub fn net_of(world: &dyn World, issued: RecordId) -> Option<Money> {
    let view = record::record(world, issued)?;
    let items: Vec<&LineItem> = view.items().into_iter().map(|(_, item)| item).collect();
    let totals = totals(items, "EUR").ok()?;
    Some(Money {
        minor: totals.net,
        currency: totals.currency,
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn item(quantity: Decimal, minor: i64, discount: Decimal, vat: Decimal) -> LineItem {
        LineItem {
            text: "Pump".into(),
            quantity,
            unit: "piece".into(),
            price: Money {
                minor,
                currency: "EUR".into(),
            },
            discount,
            vat,
            position: 0,
        }
    }

    #[test]
    fn amounts_are_rounded_per_line_half_up() {
        let items = [
            item(dec!(3), 3335, dec!(0), dec!(19)),
            item(dec!(1.5), 1001, dec!(10), dec!(19)),
            item(dec!(1), 50, dec!(0), dec!(7)),
        ];
        let totals = totals(&items, "EUR").unwrap();
        // 100.05, 13.5135 -> 13.51, 0.50
        assert_eq!(totals.net, 10_005 + 1_351 + 50);
        // 19.0095 -> 19.01, 2.5669 -> 2.57, 0.035 -> 0.04
        assert_eq!(
            totals.vat.iter().map(|vat| vat.tax).collect::<Vec<_>>(),
            [4, 1_901 + 257]
        );
        assert_eq!(totals.gross, totals.net + 4 + 1_901 + 257);
    }

    #[test]
    fn negative_lines_round_away_from_zero_too() {
        assert_eq!(item(dec!(-1.5), 1, dec!(0), dec!(0)).net(), Some(-2));
    }

    #[test]
    fn currencies_are_not_added() {
        let mut other = item(dec!(1), 1, dec!(0), dec!(0));
        other.price.currency = "CHF".into();
        assert!(matches!(
            totals(&[item(dec!(1), 1, dec!(0), dec!(0)), other], "EUR"),
            Err(TotalsError::Currencies(..))
        ));
    }

    #[test]
    fn an_amount_beyond_money_is_an_error() {
        assert!(matches!(
            totals(&[item(Decimal::MAX, i64::MAX, dec!(0), dec!(0))], "EUR"),
            Err(TotalsError::TooLarge(_))
        ));
    }
}
