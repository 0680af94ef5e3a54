//! One flag for every setting that may have one, made from the table of settings.

use clap::{Arg, ArgAction, ArgMatches, FromArgMatches};

use crate::config::Flags;
use crate::config::table::{self, Flag, Setting};

/// The flags of all settings.
#[derive(Debug, Default)]
pub(super) struct SettingFlags(pub Flags);

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Flags::default();
        for setting in table::all() {
            match setting.flag {
                Flag::Value(_) => {
                    if let Some(value) = matches.get_one::<String>(setting.name) {
                        flags.set(setting, value);
                    }
                }
                Flag::Switch if matches.get_flag(setting.name) => flags.set(setting, "true"),
                Flag::Switch | Flag::None => {}
            }
        }
        Ok(Self(flags))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for SettingFlags {
    fn augment_args(mut command: clap::Command) -> clap::Command {
        for (group, settings) in table::GROUPS {
            let args = settings.iter().filter_map(|setting| arg(setting));
            command = command.args(args.map(|arg| arg.help_heading(group)));
        }
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// What a setting is for, with its environment names and its default.
pub(super) fn help(setting: &Setting) -> String {
    let default = match (setting.flag, setting.default) {
        (Flag::Value(_), text) if !text.is_empty() => format!(" [default: {text}]"),
        _ => String::new(),
    };
    format!(
        "{} [env: {}]{default}",
        setting.doc,
        setting.names.join(", ")
    )
}

/// The settings that have no flag, for the end of the help.
pub(super) fn environment_help() -> String {
    let mut text = "Environment only:\n".to_owned();
    for setting in table::all().filter(|setting| setting.flag == Flag::None) {
        let names = setting.names.join(", ");
        text.push_str(&format!("  {names:<13} {}\n", setting.doc));
    }
    text + "\nA flag goes before the environment, the environment before the file .env, and that before the default."
}

fn arg(setting: &'static Setting) -> Option<Arg> {
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .help(help(setting));
    match setting.flag {
        Flag::None => None,
        Flag::Value(placeholder) => Some(arg.value_name(placeholder)),
        Flag::Switch => Some(arg.action(ArgAction::SetTrue)),
    }
}
