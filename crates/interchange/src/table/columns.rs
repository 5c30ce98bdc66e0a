//! Names of columns, in English and German, to what the cells below them are.

use crate::card::Label;
use crate::vcard::fields::label_of;

/// Says what the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Company,
    Department,
    Salutation,
    Given,
    Additional,
    Family,
    Suffix,
    /// Is a whole name, or the family name where the given name has a column of its own.
    WholeName,
    JobTitle,
    /// Is a job title, or the salutation where the job has a column of its own (Outlook's "Title").
    Title,
    Phone,
    Email,
    Street,
    Extra,
    PostalCode,
    City,
    Region,
    Country,
    Website,
    Note,
    Tags,
    Birthday,
    VatId,
    /// Is the label of the phone or e-mail column of the same number (Google's "Phone 1 - Type").
    PhoneLabel,
    EmailLabel,
    AddressLabel,
    Unknown,
}

/// Is a column with what its name says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) kind: Kind,
    pub(super) label: Label,
    /// Is the number in the name, which tells several phones or addresses apart; 0 without one.
    pub(super) number: u32,
    /// Is the name as typed.
    pub(super) name: String,
}

/// Maps names, without spaces and signs and with umlauts spelt out, to kinds.
const NAMES: &[(Kind, &str)] = &[
    (
        Kind::Company,
        "company companyname firma firmenname firmenbezeichnung organization \
         organisation organizationname unternehmen business account accountname kunde \
         customer employer firma1",
    ),
    (
        Kind::Department,
        "department abteilung organizationdepartment unit",
    ),
    (
        Kind::Salutation,
        "salutation anrede prefix nameprefix honorific namenspraefix titel \
         akademischertitel briefanrede",
    ),
    (
        Kind::Given,
        "firstname given givenname vorname forename fname",
    ),
    (
        Kind::Additional,
        "middlename additionalname additionalnames weiterevornamen zweitervorname \
         middle",
    ),
    (
        Kind::Family,
        "lastname family familyname surname nachname familienname zuname lname",
    ),
    (Kind::Suffix, "suffix namesuffix namenszusatz"),
    (
        Kind::WholeName,
        "name fullname contact contactname ansprechpartner ansprechperson kontakt \
         kontaktperson contactperson displayname anzeigename fileas vollername person",
    ),
    (
        Kind::JobTitle,
        "jobtitle job position berufsbezeichnung beruf funktion stelle role rolle \
         organizationtitle stellung occupation",
    ),
    (Kind::Title, "title"),
    (
        Kind::Phone,
        "phone telephone tel telefon mobile mobil handy cell cellular cellphone \
         mobilephone mobiltelefon fax telefax faxnumber rufnummer festnetz phonevalue \
         pager telefonnummer mobilnummer handynummer faxnummer",
    ),
    (
        Kind::Email,
        "email mail emailaddress emailadresse mailadresse emailvalue",
    ),
    (
        Kind::Street,
        "street strasse address adresse anschrift addressstreet streetaddress \
         strassehausnr strassehausnummer strasseundhausnummer strasseundnr strassenr \
         addressline",
    ),
    (
        Kind::Extra,
        "pobox postfach addresspobox extendedaddress addressextendedaddress \
         adresszusatz zusatz addressextra building gebaeude",
    ),
    (
        Kind::PostalCode,
        "postalcode postcode zip zipcode plz postleitzahl addresspostalcode",
    ),
    (
        Kind::City,
        "city town ort stadt wohnort addresscity locality",
    ),
    (
        Kind::Region,
        "state region province county bundesland kanton addressregion stateprovince",
    ),
    (
        Kind::Country,
        "country land countryregion addresscountry staat landregion",
    ),
    (
        Kind::Website,
        "website web webpage webseite homepage url internet linkedin linkedinurl \
         linkedinprofile xing xingprofil websitevalue internetseite webadresse",
    ),
    (
        Kind::Note,
        "note notes comment comments remark remarks description background notiz \
         notizen bemerkung bemerkungen kommentar beschreibung anmerkung anmerkungen \
         freitext",
    ),
    (
        Kind::Tags,
        "tag tags category categories kategorie kategorien label labels keywords \
         schlagworte stichworte groupmembership",
    ),
    (
        Kind::Birthday,
        "birthday birthdate dateofbirth geburtstag geburtsdatum",
    ),
    (
        Kind::VatId,
        "vat vatid vatnumber vatno ustid ustidnr umsatzsteuerid \
         umsatzsteueridentifikationsnummer uidnummer taxid",
    ),
    (Kind::PhoneLabel, "phonetype phonelabel"),
    (Kind::EmailLabel, "emaillabel"),
    (Kind::AddressLabel, "addresstype addresslabel"),
];
/// Are words of a column's name that say what the column is for rather than what it is.
const FOR_WORDS: &str = "work business office company firma geschaeftlich geschaeft buero dienstlich dienst \
    arbeit beruflich home private privat personal other sonstige sonstiges weitere \
    weiteres andere primary main haupt zentrale number nummer nr no contact kontakt";
/// Are words that are a phone by themselves, and the label of one beside another such word ("Telefon mobil").
const KINDS_OF_PHONE: &[&str] = &["mobile", "mobil", "handy", "fax"];

/// Reads the name of a column.
pub(super) fn column(name: &str) -> Column {
    let mut words = words(name);
    let numbers: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let whole = words.concat();
    words.retain(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
    let unnumbered = words.concat();
    let bare: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !FOR_WORDS.split(' ').any(|known| known == *word))
        .collect();
    let core: Vec<&str> = bare
        .iter()
        .copied()
        .filter(|word| !KINDS_OF_PHONE.contains(word))
        .collect();
    let kind = kind_of(&whole).or_else(|| kind_of(&unnumbered));
    let kind = kind.or_else(|| {
        [bare.concat(), core.concat()]
            .iter()
            .find_map(|name| kind_of(name))
            .filter(|kind| may_be_for(*kind))
    });
    let label =
        words
            .iter()
            .filter_map(|word| label_of_word(word))
            .fold(Label::Other, |first, second| match (first, second) {
                (Label::Fax, _) | (_, Label::Other) => first,
                (_, Label::Fax | Label::Mobile) | (Label::Other, _) => second,
                _ => first,
            });
    let number = numbers.first().copied().unwrap_or_default();
    let mut column = Column {
        kind: kind.unwrap_or(Kind::Unknown),
        label,
        number,
        name: name.trim().to_owned(),
    };
    // "Address 2" beside "Address 1" is the second line of one address where both are of the same place.
    if column.kind == Kind::Street
        && matches!(unnumbered.as_str(), "addressline" | "street")
        && column.number > 1
    {
        column.kind = Kind::Extra;
        column.number = 0;
    } else if column.kind == Kind::Street && column.number == 1 && unnumbered == "addressline" {
        column.number = 0;
    }
    column
}

fn kind_of(name: &str) -> Option<Kind> {
    NAMES
        .iter()
        .find(|(_, names)| !name.is_empty() && names.split(' ').any(|known| known == name))
        .map(|(kind, _)| *kind)
}

/// Tells whether a column of this kind may be for work or home.
fn may_be_for(kind: Kind) -> bool {
    use Kind::{
        AddressLabel, City, Country, Email, EmailLabel, Extra, Phone, PhoneLabel, PostalCode,
        Region, Street, Website,
    };
    matches!(
        kind,
        Phone
            | Email
            | Street
            | Extra
            | PostalCode
            | City
            | Region
            | Country
            | Website
            | PhoneLabel
            | EmailLabel
            | AddressLabel
    )
}

fn label_of_word(word: &str) -> Option<Label> {
    match word {
        "company" | "firma" | "zentrale" => Some(Label::Work),
        "personal" => Some(Label::Home),
        word => label_of(word),
    }
}

/// Splits a name into words at signs, before capitals and around digits, in lower case, umlauts spelt out.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last = ' ';
    for letter in name.chars() {
        let starts_word = (letter.is_uppercase() && last.is_lowercase())
            || (letter.is_numeric() != last.is_numeric());
        if starts_word || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        last = letter;
        let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) else {
            continue;
        };
        match letter.to_lowercase().next().unwrap_or(letter) {
            'ä' => word.push_str("ae"),
            'ö' => word.push_str("oe"),
            'ü' => word.push_str("ue"),
            'ß' => word.push_str("ss"),
            lower => word.push(lower),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_are_known() {
        let check = |name: &str, kind, label, number| {
            let expected = Column {
                kind,
                label,
                number,
                name: name.to_owned(),
            };
            assert_eq!(column(name), expected);
        };
        check("First Name", Kind::Given, Label::Other, 0);
        check("last_name", Kind::Family, Label::Other, 0);
        check("firstName", Kind::Given, Label::Other, 0);
        check("Firma", Kind::Company, Label::Work, 0);
        check("company_name", Kind::Company, Label::Work, 0);
        check("phone_work", Kind::Phone, Label::Work, 0);
        check("Phone 2", Kind::Phone, Label::Other, 2);
        check("phone3", Kind::Phone, Label::Other, 3);
        check("Telefon (geschäftlich)", Kind::Phone, Label::Work, 0);
        check("Telefon privat", Kind::Phone, Label::Home, 0);
        check("Mobiltelefon", Kind::Phone, Label::Mobile, 0);
        check("Handynummer", Kind::Phone, Label::Mobile, 0);
        check("Business Fax", Kind::Phone, Label::Fax, 0);
        check("Fax", Kind::Phone, Label::Fax, 0);
        check("Mobile", Kind::Phone, Label::Mobile, 0);
        check("Telefon mobil", Kind::Phone, Label::Mobile, 0);
        check("Private Mobile Number", Kind::Phone, Label::Mobile, 0);
        check("Tel.", Kind::Phone, Label::Other, 0);
        check("E-Mail", Kind::Email, Label::Other, 0);
        check("E-mail 2 Address", Kind::Email, Label::Other, 2);
        check("email_home", Kind::Email, Label::Home, 0);
        check("Straße und Hausnummer", Kind::Street, Label::Other, 0);
        check("PLZ", Kind::PostalCode, Label::Other, 0);
        check("Business Postal Code", Kind::PostalCode, Label::Work, 0);
        check("linkedin_url", Kind::Website, Label::Other, 0);
        check("USt-IdNr.", Kind::VatId, Label::Other, 0);
        check("Phone 1 - Type", Kind::PhoneLabel, Label::Other, 1);
        check("Phone 1 - Value", Kind::Phone, Label::Other, 1);
        for name in [
            "id",
            "E-mail Type",
            "company_id",
            "sales",
            "gender",
            "",
            "1",
            "Company Size",
        ] {
            assert_eq!(column(name).kind, Kind::Unknown, "{name}");
        }
    }
}
