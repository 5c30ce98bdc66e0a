//! Files of records: in, away, and out again.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;

use engine::interface::{Answer, Failure, MAX_FILE_BYTES, Query, RecordAnswer, Request};
use model::intent::Intent;
use model::value::FileEntry;
use model::{FileHash, RecordId, Value};
use serde::Serialize;

use crate::args::attachments::{Attach, Detach, SaveFile};
use crate::commands::done;
use crate::desk::{Desk, answer};
use crate::error::CommandError;
use crate::{media, output};

/// A file of a record, as a person named it.
struct Attached {
    hash: FileHash,
    entry: FileEntry,
}

/// What `save-file` did.
#[derive(Debug, Serialize)]
struct Saved<'a> {
    path: String,
    hash: FileHash,
    name: &'a str,
    media_type: &'a str,
    size: usize,
}

pub(super) fn attach(desk: &mut Desk<'_>, args: &Attach) -> Result<(), CommandError> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(CommandError::Usage {
            reason: "one name is no name for several files".to_owned(),
            expected: "handschlag attach ID FILE --name NAME".to_owned(),
        });
    }
    let record = desk.id(&args.id)?;
    // All are read before the first is attached, so that one that cannot be leaves nothing half done.
    let files = args
        .files
        .iter()
        .map(|path| read(path, args.name.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    let requests = files.into_iter().map(|(name, bytes)| {
        move |batch| Request::Attach {
            // The connection gives it one.
            intent_id: None,
            batch,
            record,
            media_type: media::type_of(&name).to_owned(),
            name,
            bytes,
        }
    });
    let all = done::ask_all(desk, requests.collect())?;
    done::print(desk, "attached to", all)
}

/// Reads a file that may be attached, with its name.
fn read(path: &Path, name: Option<&str>) -> Result<(String, Vec<u8>), CommandError> {
    let shown = path.display();
    let failed = |error: io::Error| {
        CommandError::Failed(Failure::new(
            "unreadable-file",
            format!("cannot read {shown}: {error}"),
            Some("name a file that exists and that you may read"),
        ))
    };
    let own = path.file_name().map(|name| name.to_string_lossy());
    let name = name.map_or_else(|| own.unwrap_or_default().into_owned(), str::to_owned);
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let mut content = Vec::new();
    if bytes <= MAX_FILE_BYTES {
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut content)
            .map_err(failed)?;
    }
    let bytes = bytes.max(content.len() as u64);
    if bytes > MAX_FILE_BYTES {
        let refusal = model::Refusal::FileTooLarge {
            name: shown.to_string(),
            bytes,
            most: MAX_FILE_BYTES,
        };
        return Err(CommandError::Failed(refusal.into()));
    }
    Ok((name, content))
}

pub(super) fn detach(desk: &mut Desk<'_>, args: &Detach) -> Result<(), CommandError> {
    let record = desk.id(&args.id)?;
    let file = find(desk, record, &args.file)?;
    let outcome = desk.perform(Intent::Detach {
        record,
        hash: file.hash,
    })?;
    let what = format!("{} taken away from", file.entry.name);
    done::print(desk, &what, outcome)
}

pub(super) fn save(desk: &mut Desk<'_>, args: &SaveFile) -> Result<(), CommandError> {
    let record = desk.id(&args.id)?;
    let file = find(desk, record, &args.file)?;
    let path = place(&file.entry.name, args.to.as_deref())?;
    let request = Request::File { hash: file.hash };
    let answer = answer!(desk.ask(request)?, Answer::File(answer) => answer);
    write(&path, &answer.bytes, args.force)?;
    let saved = Saved {
        path: path.display().to_string(),
        hash: file.hash,
        name: &file.entry.name,
        media_type: &file.entry.media_type,
        size: answer.bytes.len(),
    };
    desk.print(&saved, |_| {
        let size = output::size(answer.bytes.len() as u64);
        format!("saved: {} ({size})\n", saved.path)
    })
}

/// Finds the file of a record that a person names by its name or hash.
fn find(desk: &mut Desk<'_>, record: RecordId, typed: &str) -> Result<Attached, CommandError> {
    let answer = desk.query(Query::Record { record })?;
    let shown = answer!(answer, Answer::Record(shown) => shown);
    let typed = typed.trim();
    let mut found: Vec<Attached> = files(&shown)
        .filter(|file| file.entry.name == typed)
        .collect();
    if found.is_empty() && !typed.is_empty() {
        let digits = typed.to_ascii_lowercase();
        let is_meant = |hash: String| hash.starts_with(&digits) || hash.ends_with(&digits);
        found = files(&shown)
            .filter(|file| is_meant(file.hash.to_string()))
            .collect();
    }
    let short = shown.record.id.short();
    match (found.pop(), found.is_empty()) {
        (Some(file), true) => Ok(file),
        (Some(_), false) => Err(CommandError::Failed(Failure::new(
            "ambiguous",
            format!("'{typed}' could be several files"),
            Some(&format!("name it by its hash: handschlag show {short}")),
        ))),
        (None, _) => Err(CommandError::Failed(Failure::new(
            "no-such-file",
            format!("no file '{typed}' is attached to {}", shown.record.title),
            Some(&format!("see which files it has: handschlag show {short}")),
        ))),
    }
}

fn files(record: &RecordAnswer) -> impl Iterator<Item = Attached> {
    record.fields.iter().filter_map(|field| {
        let hash = field.key.strip_prefix("file/")?.parse().ok()?;
        match &field.value {
            Some(Value::File(entry)) => Some(Attached {
                hash,
                entry: entry.clone(),
            }),
            _ => None,
        }
    })
}

/// Says where a file goes; a name that others gave it never leads out of the folder, nor hides in it.
fn place(name: &str, to: Option<&Path>) -> Result<PathBuf, CommandError> {
    match to {
        Some(path) if !path.is_dir() => Ok(path.to_owned()),
        folder => match own_name(name) {
            Some(name) => Ok(folder.unwrap_or(Path::new("")).join(name)),
            None => Err(CommandError::Failed(Failure::new(
                "unsafe-name",
                format!("'{name}' is no name to save a file under"),
                Some("say where to with a name of yours: handschlag save-file ID FILE --to PATH"),
            ))),
        },
    }
}

/// Gives the last component of a name, where it is a plain name on every system.
fn own_name(name: &str) -> Option<&str> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("").trim();
    let is_plain = !last.is_empty()
        && !last.starts_with('.')
        && !last.ends_with('.')
        && output::clean(last) == last
        && !last.contains(['\n', '<', '>', ':', '"', '|', '?', '*'])
        && !is_device(last);
    is_plain.then_some(last)
}

/// Tells whether Windows takes a name for a device, whatever stands behind its first dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let stem = stem.to_ascii_uppercase();
    let is_numbered = |port: &str| {
        let rest = stem.strip_prefix(port);
        rest.is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || is_numbered("COM")
        || is_numbered("LPT")
}

/// Writes a file; one that exists is left alone, unless it shall be written over.
fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), CommandError> {
    let failed = |error: io::Error| {
        let (code, way_out) = match error.kind() {
            io::ErrorKind::AlreadyExists => (
                "file-exists",
                "name another place with --to, or write over it with --force",
            ),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
                "unwritable-file",
                "make space, or name another place: --to PATH",
            ),
            _ => ("unwritable-file", "name another place: --to PATH"),
        };
        CommandError::Failed(Failure::new(
            code,
            format!("cannot write {}: {error}", path.display()),
            Some(way_out),
        ))
    };
    if force {
        write_over(path, bytes).map_err(failed)
    } else {
        // Of a link it follows none.
        write_new(path, bytes, None).map_err(failed)
    }
}

/// Writes a file that must not exist yet; of one that cannot be written whole nothing stays.
fn write_new(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(path)?;
    let written = permissions
        .map_or(Ok(()), |permissions| file.set_permissions(permissions))
        .and_then(|()| file.write_all(bytes))
        // Some disks say only now that they have no space.
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // What is cut off is no file of anybody's.
        let _ = fs::remove_file(path);
    }
    written
}

/// Writes a file in the place of one that may exist, which stays as it is until the new one is whole.
fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Whoever may not write to the old one may not take its place either.
    let old = match OpenOptions::new().write(true).open(path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return write_in_place(path, bytes, None);
        }
        Err(error) => return Err(error),
    };
    let kept = old.metadata()?;
    if !kept.is_file() {
        // A device or a pipe has no content that could be lost.
        return (&old).write_all(bytes);
    }
    drop(old);
    // What a link leads to is meant, not the link.
    let target = match fs::symlink_metadata(path)?.is_symlink() {
        true => fs::canonicalize(path)?,
        false => path.to_owned(),
    };
    write_in_place(&target, bytes, Some(kept.permissions()))
}

/// Writes a file beside its place, and then gives it its name.
fn write_in_place(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    // The id is this process's alone, so what has this name already was left by one that has died.
    let part = path.with_file_name(format!(".handschlag-{}.part", process::id()));
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(&part, bytes, permissions)?;
    fs::rename(&part, path).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

#[cfg(test)]
mod tests {
    use super::own_name;

    #[test]
    fn names_of_others_stay_in_the_folder() {
        for (name, own) in [
            ("card.png", Some("card.png")),
            (" Angebot Müller.pdf ", Some("Angebot Müller.pdf")),
            ("/etc/passwd", Some("passwd")),
            ("../../x.png", Some("x.png")),
            ("C:\\Users\\x.png", Some("x.png")),
            ("..", None),
            ("a/..", None),
            ("a/", None),
            ("", None),
            (".bashrc", None),
            ("C:x.png", None),
            ("nul.png", None),
            ("COM1", None),
            ("COMMON.png", Some("COMMON.png")),
            ("x.png.", None),
            ("a\u{202e}gnp.exe", None),
            ("a\nb", None),
            ("a\0b", None),
        ] {
            assert_eq!(own_name(name), own, "{name:?}");
        }
    }
}
