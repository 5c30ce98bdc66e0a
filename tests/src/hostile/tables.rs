//! Files of tables (CSV).

use interchange::{detect, read_csv};

use super::{Target, vcards};

pub(super) const TARGET: Target = Target {
    name: "tables",
    about: "files of tables (CSV)",
    run,
    seeds,
    rounds: 4_000,
};

fn run(bytes: &[u8]) {
    let _ = detect("contacts", bytes);
    if let Ok(imported) = read_csv(bytes) {
        vcards::check(&imported);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        "\u{feff}Vorname;Name;Firma;\"Telefon 1\";E-Mail;Straße\r\nJörg;Müßig;\"A \"\"B\"\"\";'0611;a@example.org;Weg\r\n\r\n;;;;;\r\n\"offen;1\r\n".as_bytes().to_vec(),
        b"First Name,Phone 1 - Type,Phone 1 - Value,Tags\nAnna,Work,1 ::: 2,\"a,b\"\n".to_vec(),
        b"Name\tFirma\tNotiz\nMeier\tMeier AG\t\"zwei\nZeilen\"\n".to_vec(),
        b"sep=;\nName;Geburtstag;USt-IdNr.\nMeier;1.2.1980;DE123456789\n".to_vec(),
    ]
}
