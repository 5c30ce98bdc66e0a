//! The whole command line as JSON, from the same tree as the help that people read.

use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};

/// Describes every command, argument and flag.
pub(crate) fn describe(root: &Command) -> Value {
    let mut root = root.clone();
    root.build();
    let globals: Vec<String> = root
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().to_string())
        .collect();
    let commands: Vec<Value> = root
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .map(|command| {
            let own = |arg: &&Arg| !globals.contains(&arg.get_id().to_string()) && !is_help(arg);
            json!({
                "name": command.get_name(),
                "help": text(command.get_about()),
                "arguments": command.get_arguments().filter(own).filter(|arg| arg.is_positional()).map(argument).collect::<Vec<_>>(),
                "flags": command.get_arguments().filter(own).filter(|arg| !arg.is_positional()).map(flag).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "name": root.get_name(),
        "help": text(root.get_about()),
        "flags": root.get_arguments().filter(|arg| !arg.is_positional() && !is_help(arg)).map(flag).collect::<Vec<_>>(),
        "commands": commands,
        "exit_codes": {"0": "done", "1": "refused or failed", "2": "wrong usage"},
    })
}

/// The widest that help is written, in columns; wider lines are hard to read.
const WIDTH: usize = 100;

/// The narrowest column that descriptions are wrapped into; where less is left, lines stay as they are.
const MIN_TEXT: usize = 20;

/// Wraps help for people: what does not fit goes on under the beginning of its description.
pub(crate) fn wrapped(text: &str, columns: Option<usize>) -> String {
    let width = columns.unwrap_or(WIDTH).min(WIDTH);
    let lines = text.lines().map(|line| wrapped_line(line, width));
    lines.map(|line| line + "\n").collect()
}

fn wrapped_line(line: &str, width: usize) -> String {
    let letters: Vec<char> = line.chars().collect();
    let indent = description_of(&letters);
    if letters.len() <= width || indent + MIN_TEXT > width {
        return line.to_owned();
    }
    let head: String = letters[..indent].iter().collect();
    let text: String = letters[indent..].iter().collect();
    let mut lines = vec![head];
    let mut used = indent;
    for word in text.split(' ') {
        let more = word.chars().count() + 1;
        if used > indent && used + more > width + 1 {
            lines.push(" ".repeat(indent));
            used = indent;
        }
        if let Some(last) = lines.last_mut() {
            last.push_str(word);
            last.push(' ');
        }
        used += more;
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

/// Finds where the description begins in a line of help: behind the flag and the spaces after it.
fn description_of(letters: &[char]) -> usize {
    let first = letters
        .iter()
        .position(|letter| *letter != ' ')
        .unwrap_or(0);
    let gap = letters[first..]
        .windows(2)
        .position(|two| two == [' ', ' ']);
    let Some(gap) = gap.map(|gap| first + gap) else {
        return first;
    };
    let text = letters[gap..].iter().position(|letter| *letter != ' ');
    text.map_or(first, |text| gap + text)
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

fn text(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

fn argument(arg: &Arg) -> Value {
    json!({
        "value": value_name(arg),
        "help": text(arg.get_help()),
        "required": arg.is_required_set(),
        "repeatable": is_repeatable(arg),
    })
}

fn flag(arg: &Arg) -> Value {
    let takes_value = arg.get_action().takes_values();
    let default: Vec<String> = arg
        .get_default_values()
        .iter()
        .filter(|_| takes_value)
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    json!({
        "name": arg.get_long().map(|long| format!("--{long}")),
        "value": takes_value.then(|| value_name(arg)),
        "help": text(arg.get_help()),
        "required": arg.is_required_set(),
        "repeatable": is_repeatable(arg),
        "default": default.first(),
        "environment": arg.get_env().map(|name| name.to_string_lossy().into_owned()),
    })
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names()
        .and_then(|names| names.first())
        .map_or_else(|| arg.get_id().to_string(), ToString::to_string)
}

fn is_repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_on_under_its_description() {
        let words = "one two three four five six seven eight nine ten";
        let text = format!("Says.\n\n      --flag <VALUE>  {words}\n  x  short\n");
        assert_eq!(
            wrapped(&text, Some(50)),
            "Says.\n\n      --flag <VALUE>  one two three four five six\n                      seven eight nine ten\n  x  short\n"
        );
        assert_eq!(wrapped(&text, Some(30)), text, "too narrow to be of use");
        let long = "word ".repeat(40);
        let lines = wrapped(&long, Some(300));
        assert!(lines.lines().all(|line| line.len() <= 100), "{lines}");
    }
}
