//! Every target with the files of its corpus and with mutations of its seeds.

use std::fs;
use std::path::{Path, PathBuf};

use super::{TARGETS, Target, mutate::mutate, target};
use crate::harness::Dice;

/// The longest input that mutation makes.
const MAX_BYTES: usize = 4096;

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name)
}

/// The inputs of the corpus, by the names of their files.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let Ok(files) = fs::read_dir(folder(target)) else {
        return Vec::new();
    };
    let mut all: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.expect("lists").path();
            let name = path.file_name().expect("has a name").to_string_lossy();
            (name.into_owned(), fs::read(&path).expect("reads"))
        })
        .collect();
    all.sort();
    all
}

/// Says which input it was when the test fails within.
struct Trying<'a> {
    what: String,
    input: &'a [u8],
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self
                .input
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            eprintln!("{}: {hex}", self.what);
        }
    }
}

fn try_out(target: &Target, what: String, input: &[u8]) {
    let _trying = Trying { what, input };
    (target.run)(input);
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("is a number"))
}

/// Tries all that is known, then mutations: from `HANDSCHLAG_SEED` on, `HANDSCHLAG_ROUNDS` times as many as usual.
fn check(name: &str) {
    let target = target(name);
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    for (at, seed) in seeds.iter().enumerate() {
        try_out(target, format!("{name}: seed {at}"), seed);
    }
    let corpus = corpus(target);
    for (file, input) in &corpus {
        try_out(target, format!("{name}: file {file}"), input);
    }
    let mut begin = seeds;
    begin.extend(corpus.into_iter().map(|(_, input)| input));
    begin.retain(|input| input.len() <= MAX_BYTES);
    begin.push(Vec::new());
    let (first, times) = (number("HANDSCHLAG_SEED", 0), number("HANDSCHLAG_ROUNDS", 1));
    for seed in (first..).take(target.rounds.saturating_mul(times as usize)) {
        let mut dice = Dice::of(seed);
        let mut input = begin[dice.below(begin.len())].clone();
        let other = &begin[dice.below(begin.len())];
        mutate(&mut input, other, &mut dice);
        input.truncate(MAX_BYTES);
        try_out(target, format!("{name}: mutation of seed {seed}"), &input);
    }
}

macro_rules! doors {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_door_is_tried() {
            let tried = [$(stringify!($name)),*];
            let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(all, tried);
        }
    };
}

doors!(frames envelopes rosters invites gate values vcards tables relay session);

#[test]
fn every_door_has_a_fuzz_target_and_its_corpus_a_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("reads");
    for target in &TARGETS {
        let file = format!("fuzz_targets/{}.rs", target.name);
        assert!(
            manifest.contains(&file),
            "tests/fuzz/Cargo.toml lacks {file}"
        );
        let code = fs::read_to_string(root.join("fuzz").join(&file)).expect("reads");
        let call = format!("target(\"{}\")", target.name);
        assert!(code.contains(&call), "tests/fuzz/{file} lacks {call}");
    }
    for folder in fs::read_dir(root.join("corpus")).expect("lists") {
        let name = folder.expect("lists").file_name();
        assert_eq!(target(&name.to_string_lossy()).name, name.to_string_lossy());
    }
}
