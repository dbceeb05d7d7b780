//! Reading and checking the integrator's TOML.

use crate::check::check;
use crate::hooks::MAX_PROGRAM;
use crate::problems::Problem;
use crate::servers::MAX_CA;
use crate::service::MAX_KEY_FILE;
use crate::{ConfigText, Error};
use drydock_config::{Config, MAX_KEY, MOST_ENVIRONMENT, Unlock};
use std::path::Path;

/// Reads the config file at `path` and checks everything in it that can be checked on the build host, so that
/// a device never meets a configuration that can't work. Relative paths of key files are relative to the
/// config file's folder, and come back joined to it.
///
/// # Errors
/// Every fault at once, with file, line and column.
pub fn load(path: &Path) -> Result<Config, Error> {
    load_with_text(path).map(|(config, _)| config)
}

/// Like [`load`], and also returns the text, so that later steps (a module that the kernel does not have) can
/// point at its lines too.
pub fn load_with_text(path: &Path) -> Result<(Config, ConfigText), Error> {
    let content = std::fs::read_to_string(path).map_err(|error| Error::Read(path.into(), error))?;
    let text = ConfigText::new(path, content);
    let mut config: Config = toml::from_str(text.as_str())
        .map_err(|error| Error::Invalid(vec![text.fault_at_span(error.span(), error.message())]))?;
    let mut problems = check(&config);
    resolve_files(&mut config, text.folder(), &mut problems);
    if problems.is_empty() {
        return Ok((config, text));
    }
    Err(Error::Invalid(problems.into_iter().map(|(at, message)| text.fault(&at, message)).collect()))
}

fn resolve_files(config: &mut Config, folder: &Path, problems: &mut Vec<Problem>) {
    for (index, key) in config.signatures.keys.iter_mut().enumerate() {
        resolve(key, folder, format!("signatures.keys.{index}"), problems);
    }
    if !config.layout.u_boot_environment.is_empty() {
        let file = &mut config.layout.u_boot_environment;
        resolve_within(
            file,
            folder,
            u64::from(MOST_ENVIRONMENT),
            "layout.u_boot_environment".into(),
            problems,
        );
    }
    for (index, file) in config.network.ca.iter_mut().enumerate() {
        resolve_within(file, folder, MAX_CA, format!("network.ca.{index}"), problems);
    }
    for (index, key) in config.service.iter_mut().flat_map(|service| &mut service.keys).enumerate() {
        if !key.is_line() {
            resolve_within(&mut key.key, folder, MAX_KEY_FILE, format!("service.key.{index}.key"), problems);
        }
    }
    for (index, hook) in config.hooks.iter_mut().enumerate() {
        if let Some(program) = &mut hook.builtin {
            resolve_within(program, folder, MAX_PROGRAM, format!("hook.{index}.builtin"), problems);
        }
    }
    for (index, unlock) in config.unlock.iter_mut().enumerate() {
        if let Unlock::Initramfs { file } = unlock {
            resolve(file, folder, format!("unlock.{index}.file"), problems);
        }
    }
}

fn resolve(file: &mut String, folder: &Path, at: String, problems: &mut Vec<Problem>) {
    resolve_within(file, folder, u64::from(MAX_KEY), at, problems);
}

fn resolve_within(file: &mut String, folder: &Path, most: u64, at: String, problems: &mut Vec<Problem>) {
    let path = folder.join(&file);
    match std::fs::metadata(&path) {
        Err(error) => problems.push((at, format!("{}: {error}", path.display()))),
        Ok(meta) if !meta.is_file() => problems.push((at, format!("{} is not a file", path.display()))),
        Ok(meta) if meta.len() == 0 => problems.push((at, format!("{} is empty", path.display()))),
        Ok(meta) if meta.len() > most => {
            let problem = format!("{} is larger than such a file may be ({most} bytes)", path.display());
            problems.push((at, problem));
        }
        Ok(_) => match path.into_os_string().into_string() {
            Ok(joined) => *file = joined,
            Err(path) => problems.push((at, format!("the path {} is not UTF-8", path.display()))),
        },
    }
}
