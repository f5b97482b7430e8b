//! The configuration of a training: what a person gave ([`Options`]), and what it means: sum types of the domains, in which
//! what has no meaning has no place.

mod choices;
mod resolve;
mod settings;

use autograd::Shape;

pub use choices::{ArchName, DatasetName, LipschitzName, ObjectiveName, OptimizerName, Preset, all, name};
pub use resolve::Trained;
pub use settings::Options;

use crate::data::{Dataset, Source};
use crate::game::Game;
use crate::machine::backend::BackendName;
use crate::{Error, Result};
use settings::{Resolver, Role};

/// Everything that decides what a training computes, and how often it reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What is learned.
    pub data: Source,
    /// Whether its classes are told apart.
    pub conditional: bool,
    /// The shape of one sample: of an image `[channels, height, width]`, of a point its numbers.
    pub sample: Shape,
    /// What critic and generator are, and how they learn.
    pub game: Game,
    /// Updates of the generator in all.
    pub steps: u64,
    /// What to compute on.
    pub backend: BackendName,
    /// Threads to compute on; as many as there are cores if absent.
    pub threads: Option<usize>,
    /// Steps between pictures of samples.
    pub sample_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between measurements of the samples, if asked for.
    pub eval_every: Option<u64>,
    /// Whether to write events for TensorBoard.
    pub tensorboard: bool,
    /// What its choices are called.
    pub names: Names,
    /// The settings that have an effect, each with its value.
    used: Options,
}

/// The names of the choices that a person tells trainings apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// What is learned.
    pub dataset: DatasetName,
    /// The networks.
    pub arch: ArchName,
    /// What critic and generator play for.
    pub objective: ObjectiveName,
    /// What keeps the critic Lipschitz.
    pub lipschitz: LipschitzName,
}

/// WGAN-GP on the embedded digits.
impl Default for Config {
    fn default() -> Self {
        Config::resolve(&Options::default(), &Options::default()).expect("the defaults are possible")
    }
}

impl Config {
    /// The configuration that `flags` and `file` ask for: a flag goes before the file, the file before the default, which
    /// may depend on other settings.
    ///
    /// ```
    /// use wgan::config::{Config, LipschitzName, Options};
    /// use wgan::game::Rule;
    /// let flags = Options { lipschitz: Some(LipschitzName::Clip), ..Options::default() };
    /// let game = Config::resolve(&flags, &Options::default())?.game;
    /// assert_eq!((game.rule, game.lr), (Rule::RmsProp { decay: 0.99, epsilon: 1e-8 }, 5e-5));
    /// # Ok::<(), wgan::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is not possible, [`Error::Flag`] for a flag that would change nothing.
    pub fn resolve(flags: &Options, file: &Options) -> Result<Self> {
        let ask = Resolver::new(flags.or(file))?;
        ask.preset(); // written down even if no default depends on it
        let (dataset, arch) = (ask.dataset(), ask.arch());
        let config = Config {
            game: resolve::game(&ask)?,
            sample: ask.sample_shape(),
            data: resolve::data(&ask)?,
            conditional: resolve::conditional(&ask),
            backend: ask.backend().unwrap_or_default(),
            threads: match ask.backend().unwrap_or_default() {
                BackendName::Cpu => ask.threads(),
                BackendName::OpenCl(_) => None,
            },
            steps: ask.steps(),
            tensorboard: ask.tensorboard(),
            sample_every: ask.sample_every(),
            checkpoint_every: ask.checkpoint_every(),
            eval_every: ask.eval_every(),
            names: Names { dataset, arch, objective: ask.objective(), lipschitz: ask.lipschitz() },
            used: Options::default(),
        };
        ask.reject_idle(flags)?;
        Ok(Config { used: ask.into_used(), ..config })
    }

    /// The configuration of a run that is resumed with `changes`: they may ask for more steps or other reports, but for
    /// nothing that the steps done so far depended on.
    ///
    /// # Errors
    /// [`Error::Flag`] for any other change, [`Error::Setting`] for a value that is not possible.
    pub fn resumed(&self, changes: &Options) -> Result<Self> {
        if let Some((flag, _)) = changes.without(Role::Accompanies).given().into_iter().next() {
            let reason = "a resumed run keeps all settings but steps, backend, threads and reports";
            return Err(Error::flag(&flag, reason));
        }
        Config::resolve(changes, &self.used)
    }

    /// The settings that have an effect, each with its value.
    pub fn used(&self) -> &Options {
        &self.used
    }

    /// The settings that decide what a step computes. Two runs that agree in these have the same bits after as many
    /// steps, wherever their data lie.
    pub fn essentials(&self) -> Options {
        self.used.without(Role::Locates).without(Role::Accompanies)
    }

    /// Loads the data set, with its classes if they are told apart.
    ///
    /// # Errors
    /// As [`Dataset::load_with_classes`].
    pub fn load_data(&self) -> Result<Dataset> {
        let load = if self.conditional { Dataset::load_with_classes } else { Dataset::load };
        load(&self.data, self.game.batch, self.game.seed)
    }

    /// The settings as a TOML file, without those that have no effect.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.used.given()).expect("a table of plain values is TOML")
    }

    /// The shortest command line for these settings, as `wgan train --dataset 8gaussians --seed 3`.
    pub fn command_line(&self) -> String {
        command_line(self.shortest())
    }

    /// The settings that the others follow from.
    fn shortest(&self) -> toml::Table {
        let mut given = self.used.given();
        for name in self.used.given().keys() {
            let mut fewer = given.clone();
            fewer.remove(name);
            let options: Options = fewer.clone().try_into().expect("these came from Options");
            if Config::resolve(&options, &Options::default()).is_ok_and(|config| config.used == self.used) {
                given = fewer;
            }
        }
        given
    }
}

/// The command line of what trainings have in common, as [`Config::command_line`] of one, and for each the flags that tell it
/// from the others. What follows from these flags is left out; so is the seed, and what changes no result.
///
/// ```
/// use wgan::config::{Config, Options, in_common};
/// let config = |lr, seed| Options { steps: Some(900), lr: Some(lr), seed: Some(seed), ..Options::default() };
/// let configs = [config(1e-3, 1), config(2e-3, 2)].map(|given| Config::resolve(&given, &Options::default()).unwrap());
/// let (common, apart) = in_common(&configs.each_ref());
/// assert_eq!(common, "wgan train --steps 900");
/// assert_eq!(apart, ["--lr 0.001", "--lr 0.002"]);
/// ```
pub fn in_common(configs: &[&Config]) -> (String, Vec<String>) {
    let decisive = |config: &&Config| {
        let used = config.used.without(Role::Accompanies);
        Options { steps: config.used.steps, seed: None, ..used }.given()
    };
    let used: Vec<toml::Table> = configs.iter().map(decisive).collect();
    let shortest: Vec<toml::Table> = configs.iter().map(|config| config.shortest()).collect();
    let mut names = Options::names();
    names.retain(|name| [&used, &shortest].iter().all(|tables| tables.iter().any(|table| table.contains_key(name))));
    let (common, apart): (Vec<_>, Vec<_>) =
        names.iter().partition(|name| used.iter().all(|table| table.get(*name) == used[0].get(*name)));
    let of = |table: &toml::Table, names: &[&String]| -> toml::Table {
        names.iter().filter_map(|&name| Some((name.clone(), table.get(name)?.clone()))).collect()
    };
    let flags = used.iter().map(|table| flags(of(table, &apart)).join(" ")).collect();
    (command_line(of(&used[0], &common)), flags)
}

fn command_line(settings: toml::Table) -> String {
    [vec!["wgan train".to_owned()], flags(settings)].concat().join(" ")
}

/// Settings as they are typed, each with its value.
fn flags(settings: toml::Table) -> Vec<String> {
    let flag = |(name, value): (String, toml::Value)| match value {
        toml::Value::Boolean(_) => format!("--{name}"),
        toml::Value::String(text) => format!("--{name} {}", quoted(&text)),
        number => format!("--{name} {number}"),
    };
    settings.into_iter().map(flag).collect()
}

/// A word as a shell takes it: in quotes if need be.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests;
