//! Contacts to import: the real ones beside the project, or some that are written here.

use std::path::{Path, PathBuf};

/// The folder with real input, which lies beside the project on some machines.
#[derive(Debug, Clone)]
pub struct RealData {
    folder: PathBuf,
}

impl RealData {
    /// Finds it; none on a machine without it.
    pub fn find() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        folder.join("vcard").is_dir().then_some(Self { folder })
    }

    /// Names the vCard files, in the order of their names.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn cards(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.folder.join("vcard"))
            .expect("the folder can be read")
            .map(|entry| entry.expect("the folder can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "vcf"))
            .collect();
        files.sort();
        files
    }

    /// Names the file with contacts as CSV.
    pub fn contacts(&self) -> PathBuf {
        self.folder.join("csv/contacts.csv")
    }
}

/// Writes vCard files, each with so many cards, and names them.
///
/// # Panics
/// When the folder cannot be written.
pub fn written_cards(folder: &Path, files: usize, cards: usize) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    (0..files)
        .map(|file| {
            let text: String = (0..cards).map(|card| written_card(file, card)).collect();
            let path = folder.join(format!("cards-{file}.vcf"));
            std::fs::write(&path, text).expect("the file can be written");
            path
        })
        .collect()
}

fn written_card(file: usize, card: usize) -> String {
    let lines = [
        "BEGIN:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!("N:Müßiggänger{file}x{card};Käthe;;;"),
        format!("FN:Käthe Müßiggänger{file}x{card}"),
        format!("ORG:Werkzeugbau {file}x{card} GmbH"),
        format!("TEL;TYPE=CELL:+49 170 55{file:02} {card:04}"),
        format!("EMAIL:kaethe.{file}.{card}@example.com"),
        format!("NOTE:Braucht Ersatzteile für Anlage {card}"),
        "END:VCARD".to_owned(),
    ];
    lines.join("\r\n") + "\r\n"
}

/// Gives the text of a file in UTF-8, UTF-16 with BOM, or bytes that are read as Latin-1.
///
/// # Panics
/// When it cannot be read.
pub fn decoded(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the file can be read");
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest
            .chunks_exact(2)
            .map(|two| unit([two[0], two[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        bytes => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
    }
}
