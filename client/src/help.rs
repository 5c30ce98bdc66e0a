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
