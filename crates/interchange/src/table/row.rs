//! One row of a table to a card.

use csv::StringRecord;

use super::columns::{Column, Kind};
use crate::card::{Card, Label, PostalAddress, Problem};
use crate::draft::Draft;
use crate::vcard::fields::label_of;

/// Separates several values in one cell of a Google export.
const GOOGLE_SEPARATOR: &str = ":::";

/// Turns a row into a card.
pub(super) fn card(
    columns: &[Column],
    cells: &StringRecord,
    line: usize,
    entry: usize,
) -> (Option<Card>, Vec<Problem>) {
    let mut draft = Draft::new(line, entry);
    let mut addresses: Vec<(Label, u32, PostalAddress)> = Vec::new();
    let pairs = || columns.iter().zip(cells.iter());
    for (column, cell) in pairs() {
        let cell = clean(cell);
        if cell.is_empty() {
            continue;
        }
        let told = |kind| {
            pairs()
                .find(|(other, _)| other.kind == kind && other.number == column.number)
                .map(|(_, cell)| cell.trim())
        };
        match column.kind {
            Kind::Phone => {
                let label = label(column, told(Kind::PhoneLabel));
                split(cell, &['\n', ';']).for_each(|value| draft.add_phone(label, value, None));
            }
            Kind::Email => {
                let label = label(column, told(Kind::EmailLabel));
                split(cell, &['\n', ';', ',', ' '])
                    .for_each(|value| draft.add_email(label, value, None));
            }
            Kind::Street
            | Kind::Extra
            | Kind::PostalCode
            | Kind::City
            | Kind::Region
            | Kind::Country => {
                let label = match label(column, told(Kind::AddressLabel)) {
                    label @ (Label::Work | Label::Home) => label,
                    _ => Label::Other,
                };
                set_address(&mut addresses, label, column, cell);
            }
            Kind::PhoneLabel | Kind::EmailLabel | Kind::AddressLabel => {
                // A label with a meaning here was used beside; any other is kept.
                let text = cell.to_lowercase();
                if label_of(&text).is_none() && text != "other" {
                    draft.keep(&column.name, cell);
                }
            }
            _ => set_field(&mut draft, column, cell),
        }
    }
    for (_, _, address) in addresses {
        draft.add_address(address, None);
    }
    draft.finish()
}

fn set_field(draft: &mut Draft, column: &Column, cell: &str) {
    let name = column.name.as_str();
    match column.kind {
        Kind::Company => draft.set(|card| &mut card.company, name, cell),
        Kind::Department => draft.set(|card| &mut card.department, name, cell),
        Kind::Salutation if draft.card.salutation.is_empty() => {
            draft.set(|card| &mut card.salutation, name, cell)
        }
        Kind::Salutation => {
            // "Anrede" and "Titel" are two columns: "Frau", "Dr.".
            let both = format!("{} {cell}", draft.card.salutation);
            if !both.contains(&format!("{cell} {cell}")) {
                draft.card.salutation.clear();
                draft.set(|card| &mut card.salutation, name, &both);
            }
        }
        Kind::Given => draft.set(|card| &mut card.given, name, cell),
        Kind::Additional => draft.set(|card| &mut card.additional, name, cell),
        Kind::Family => draft.set(|card| &mut card.family, name, cell),
        Kind::Suffix => draft.set(|card| &mut card.suffix, name, cell),
        Kind::WholeName if draft.formatted.is_empty() => {
            draft.formatted = crate::draft::one_line(cell)
        }
        Kind::JobTitle | Kind::Title => draft.set(|card| &mut card.job_title, name, cell),
        Kind::Website => split(cell, &['\n', ' ']).for_each(|value| draft.add_website(value)),
        Kind::Note => draft.add_note(cell),
        Kind::Tags => split(cell, &['\n', ';', ',', '|']).for_each(|value| draft.add_tag(value)),
        Kind::Birthday => draft.set_birthday(name, cell),
        Kind::VatId => draft.set(|card| &mut card.vat_id, name, cell),
        _ => draft.keep(name, cell),
    }
}

/// Sets a part of the address that the label and the number of the column name.
fn set_address(
    addresses: &mut Vec<(Label, u32, PostalAddress)>,
    label: Label,
    column: &Column,
    cell: &str,
) {
    let key =
        |entry: &&mut (Label, u32, PostalAddress)| entry.0 == label && entry.1 == column.number;
    let address = match addresses.iter_mut().find(key) {
        Some((_, _, address)) => address,
        None => {
            addresses.push((
                label,
                column.number,
                PostalAddress {
                    label,
                    ..PostalAddress::default()
                },
            ));
            let Some((_, _, address)) = addresses.last_mut() else {
                return;
            };
            address
        }
    };
    let part = match column.kind {
        Kind::Street if address.street.is_empty() => &mut address.street,
        Kind::PostalCode => &mut address.postal_code,
        Kind::City => &mut address.city,
        Kind::Region => &mut address.region,
        Kind::Country => &mut address.country,
        _ => &mut address.extra,
    };
    if !part.is_empty() {
        part.push_str(", ");
    }
    part.push_str(&crate::draft::one_line(cell));
}

/// Returns what the column's name, else the cell beside it, says the value is for.
fn label(column: &Column, told: Option<&str>) -> Label {
    match column.label {
        Label::Other => told
            .and_then(|told| label_of(&told.to_lowercase()))
            .unwrap_or_default(),
        label => label,
    }
}

/// Removes what spreadsheets put around a text to keep it one: a leading apostrophe, or `="…"`.
fn clean(cell: &str) -> &str {
    let cell = cell.trim();
    let cell = cell
        .strip_prefix("=\"")
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or(cell);
    cell.strip_prefix('\'').unwrap_or(cell).trim()
}

fn split<'a>(cell: &'a str, separators: &'a [char]) -> impl Iterator<Item = &'a str> {
    cell.split(GOOGLE_SEPARATOR)
        .flat_map(move |part| part.split(separators))
        .map(clean)
        .filter(|part| !part.is_empty())
}
