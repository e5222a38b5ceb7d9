//! `einwahl dialplan import`: a plan of what others wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use einwahl::dialplan::{Home, Plan, Problem, Surroundings, Told};
use einwahl::import::{File, Imported, Options, import};
use einwahl::ivr::Prompt;
use einwahl::words::{Country, Language, TrunkName};

use super::super::tongue::session;
use super::super::{fails, say, wrong};
use super::Format;

#[derive(Args)]
pub struct Import {
    /// Asterisk's extensions.conf, with what it includes and queues.conf; or lists of extensions (.csv)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder for the plan; what is there already is not overwritten
    #[arg(long, required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Only tell what would become of each line
    #[arg(long)]
    dry_run: bool,
    /// The trunk that leads to telephones of which no other is told
    #[arg(long, default_value = "pbx")]
    trunk: TrunkName,
    /// A peer of the source that is a trunk of another name here
    #[arg(long, value_name = "PEER=TRUNK")]
    peer: Vec<String>,
    /// A context of the source in which calls begin: those of a trunk, or all others; left out, the likeliest
    #[arg(long, value_name = "CONTEXT[=TRUNK]")]
    entry: Vec<String>,
    /// The country of numbers that do not name one
    #[arg(long, default_value = "DE")]
    country: Country,
    /// The area code, without its zero, of numbers that do not name one
    #[arg(long, default_value = "")]
    area: String,
    /// In which callers are told things
    #[arg(long, default_value = "de")]
    language: Language,
    /// The prompt that stands for a sound of the source
    #[arg(long, value_name = "SOUND=PROMPT")]
    sound: Vec<String>,
    /// The language of the report: de or en; left out, that of LC_ALL, LC_MESSAGES or LANG
    #[arg(long)]
    lang: Option<Language>,
    /// As text, or as one JSON document
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub fn run(command: Import) -> ExitCode {
    let options = match options(&command) {
        Ok(options) => options,
        Err(why) => return wrong(&why),
    };
    let mut files = Vec::new();
    for path in &command.files {
        match std::fs::read(path) {
            Ok(bytes) => {
                files.push(File { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes })
            }
            Err(error) => return fails(&format!("{}: {error}", path.display())),
        }
    }
    let imported = match import(&files, &options) {
        Ok(imported) => imported,
        Err(why) => return wrong(&why.to_string()),
    };
    let problems = problems(&imported, &options);
    if let Some(folder) = command.out.as_deref().filter(|_| !command.dry_run)
        && let Err(why) = write(folder, &imported)
    {
        return fails(&why);
    }
    tell(&command, &imported, &problems);
    ExitCode::SUCCESS
}

fn options(command: &Import) -> Result<Options, String> {
    let pair = |option: &str, text: &str| -> Result<(String, String), String> {
        let both = text.split_once('=').map(|(one, other)| (one.trim().to_owned(), other.trim().to_owned()));
        both.ok_or_else(|| format!("{option}: write two names with a = between them, not {text:?}"))
    };
    let trunk = |text: String| text.parse::<TrunkName>().map_err(|error| error.to_string());
    let peers = command.peer.iter().map(|text| {
        let (peer, name) = pair("--peer", text)?;
        Ok((peer, trunk(name)?))
    });
    let entries = command.entry.iter().map(|text| match text.split_once('=') {
        Some((context, name)) => Ok((context.to_owned(), Some(trunk(name.to_owned())?))),
        None => Ok((text.clone(), None)),
    });
    let sounds = command.sound.iter().map(|text| pair("--sound", text));
    Ok(Options {
        home: Home { country: command.country, area: command.area.clone() },
        trunk: command.trunk.clone(),
        peers: peers.collect::<Result<BTreeMap<_, _>, String>>()?,
        entries: entries.collect::<Result<Vec<_>, String>>()?,
        language: command.language,
        prompts: Prompt::all().map(|prompt| prompt.name().to_owned()).collect(),
        sounds: sounds.collect::<Result<BTreeMap<_, _>, String>>()?,
    })
}

/// What is still wrong in the plan, where the configuration has what it needs.
fn problems(imported: &Imported, options: &Options) -> Vec<Problem> {
    let trunks: Vec<TrunkName> = imported.report.needs.trunks.iter().cloned().collect();
    let around = Surroundings {
        rooms: imported.report.needs.rooms.iter().cloned().collect(),
        dial: trunks.clone(),
        trunks,
        prompts: options.prompts.clone(),
        ..Surroundings::only(options.home.clone(), jiff::tz::TimeZone::UTC)
    };
    Plan::check(imported.files.clone(), &around).1
}

/// Writes all files, or none if one of them is there.
fn write(folder: &Path, imported: &Imported) -> Result<(), String> {
    let told = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| told(folder, error))?;
    let paths: Vec<PathBuf> = imported.files.iter().map(|file| folder.join(&file.name)).collect();
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(format!("{} is there already: name another folder with --out, or move it away", there.display()));
    }
    for (path, file) in paths.iter().zip(&imported.files) {
        std::fs::write(path, &file.text).map_err(|error| told(path, error))?;
    }
    Ok(())
}

fn tell(command: &Import, imported: &Imported, problems: &[Problem]) {
    let language = command.lang.unwrap_or_else(session);
    let told: Vec<Told<'_>> = problems.iter().map(|problem| problem.told(language)).collect();
    let written: Vec<&str> = imported.files.iter().map(|file| file.name.as_str()).collect();
    match command.format {
        Format::Json => {
            let mut document = imported.report.to_json(language);
            if let serde_json::Value::Object(document) = &mut document {
                document.insert(String::from("written"), serde_json::json!(written));
                document.insert(String::from("problems"), serde_json::json!(told));
            }
            say(&serde_json::to_string_pretty(&document).unwrap_or_default());
        }
        Format::Text => {
            say(&imported.report.to_text(language));
            told.iter().for_each(|problem| say(&format!("{problem}\n")));
            let errors = problems.iter().filter(|problem| problem.is_error()).count();
            let (files, warnings) = (written.join(", "), problems.len() - errors);
            say(&match language {
                Language::De => format!("Plan: {files}; {errors} Fehler, {warnings} Hinweise"),
                Language::En => format!("plan: {files}; {errors} errors, {warnings} warnings"),
            });
        }
    }
}
