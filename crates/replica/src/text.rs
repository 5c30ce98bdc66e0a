//! Values as people read them, where no record must be looked up for it.

use jiff::Timestamp;
use model::parse::minor_digits;
use model::value::{Address, CustomField, Done, Life, LineItem, Money, Planned};
use model::{RecordId, Value};

/// Writes an amount with its currency.
pub fn money(money: &Money) -> String {
    let digits = minor_digits(&money.currency);
    let unit = 10_i64.pow(digits);
    let (whole, rest) = (money.minor / unit, (money.minor % unit).abs());
    let sign = if money.minor < 0 && whole == 0 {
        "-"
    } else {
        ""
    };
    match digits {
        0 => format!("{whole} {}", money.currency),
        _ => format!(
            "{sign}{whole}.{rest:0width$} {}",
            money.currency,
            width = digits as usize
        ),
    }
}

/// Writes a planned moment.
pub fn planned(planned: &Planned) -> String {
    match planned.time {
        Some(time) => format!("{} {:02}:{:02}", planned.date, time.hour(), time.minute()),
        None => planned.date.to_string(),
    }
}

/// Writes a moment in universal time.
pub fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

fn address(address: &Address) -> String {
    let city = [address.postal_code.as_str(), &address.city].join(" ");
    [
        address.street.as_str(),
        &address.extra,
        city.trim(),
        &address.region,
        &address.country,
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(", ")
}

fn item(item: &LineItem) -> String {
    let mut text = format!(
        "{} {} {} at {}",
        item.quantity.normalize(),
        item.unit,
        item.text,
        money(&item.price)
    );
    if !item.discount.is_zero() {
        text.push_str(&format!(", less {} %", item.discount.normalize()));
    }
    if !item.vat.is_zero() {
        text.push_str(&format!(", VAT {} %", item.vat.normalize()));
    }
    text
}

/// Writes a value; references become short ids, for where nothing can be looked up.
pub fn plain(value: &Value) -> String {
    with_names(value, &|id| id.short())
}

/// Writes a value; references become the names that `name` gives.
pub fn with_names(value: &Value, name: &dyn Fn(RecordId) -> String) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Date(date) => date.to_string(),
        Value::Planned(moment) => planned(moment),
        Value::Instant(ms) => moment(*ms),
        Value::Money(amount) => money(amount),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Address(one) => address(one),
        Value::Labelled(one) if one.label.is_empty() => one.value.clone(),
        Value::Labelled(one) => format!("{} ({})", one.value, one.label),
        Value::Reference(id) => name(*id),
        Value::Status(status) => {
            let chance = status
                .chance
                .map(|chance| format!(" {chance} %"))
                .unwrap_or_default();
            let reason = status
                .reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            format!("{}{chance}{reason}", status.word)
        }
        Value::Item(one) => item(one),
        Value::Consent(consent) => [consent.basis.as_str(), &consent.wording]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": "),
        Value::Conversion(conversion) if conversion.undone => "undone".to_owned(),
        Value::Conversion(conversion) => {
            let mut text = format!(
                "{}, {}",
                name(conversion.customer),
                name(conversion.contact)
            );
            text.push_str(if conversion.sales_project.is_some() {
                " with a sales project"
            } else {
                " as a partner"
            });
            text
        }
        Value::Award(award) => {
            let parts = [award.issued.map(name), award.amount.as_ref().map(money)];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Value::Issue(issue) => format!("{} (version {})", issue.number, issue.version),
        Value::Done(Done::Done(ms)) => format!("done {}", moment(*ms)),
        Value::Done(Done::Reopened(_)) => "reopened".to_owned(),
        Value::Life(Life::Alive) => "in use".to_owned(),
        Value::Life(Life::Archived) => "archived".to_owned(),
        Value::Life(Life::Undone(_)) => "undone".to_owned(),
        Value::MergedInto(merged) => name(merged.survivor),
        Value::Aside(aside) => aside.key.clone(),
        Value::Identity(identity) => identity.kind.clone(),
        Value::Phase(phase) => format!("{}, {} %, rank {}", phase.title, phase.chance, phase.rank),
        Value::Custom(custom) => own_field(custom),
        Value::File(file) => format!("{} ({} bytes)", file.name, file.size),
    }
}

fn own_field(field: &CustomField) -> String {
    let mut text = format!("{} ({})", field.title, field.kinds.join(", "));
    if !field.form.is_empty() {
        text.push_str(&format!(", {}", field.form));
    }
    if !field.choices.is_empty() {
        text.push_str(&format!(": {}", field.choices.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        let write = |minor, currency: &str| {
            money(&Money {
                minor,
                currency: currency.into(),
            })
        };
        assert_eq!(write(123_456, "EUR"), "1234.56 EUR");
        assert_eq!(write(-5, "EUR"), "-0.05 EUR");
        assert_eq!(write(-1_205, "EUR"), "-12.05 EUR");
        assert_eq!(write(100, "JPY"), "100 JPY");
    }
}
