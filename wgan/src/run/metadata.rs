//! What a checkpoint says about itself, beside its tensors.

use std::collections::HashSet;
use std::path::Path;

use autograd::Tensor;
use nn::Checkpoint;
use nn::checkpoint::CHECKSUM;
use nn::files::excerpt;
use serde::{Deserialize, Serialize, Serializer};

use crate::config::{Config, Options, Trained};
use crate::data::classes::listed;
use crate::data::{Class, MOST_CLASSES, MOST_SAMPLES};
use crate::{Error, Result};

/// The key of the metadata in a safetensors file. One key with ordered JSON, because a map of several would be written
/// in another order every time.
pub const METADATA_KEY: &str = "wgan";

/// What to say of weights without it.
const FOREIGN: &str = "these weights were not written by wgan; wgan sample and wgan export take them by --weights";

/// The version of the layout that this program writes. It reads the one before as well, whose files have no checksum.
const FORMAT: u32 = 2;

/// What is needed to rebuild the networks, beside the weights. It depends on nothing but what was computed, so the same
/// training leaves the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    format: u32,
    /// Updates of the generator so far.
    pub step: u64,
    /// The settings that decided what was computed. All random numbers follow from the seed and the step.
    #[serde(serialize_with = "given")]
    settings: Options,
    /// What the networks tell apart, if they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
}

/// Settings that were not given are left out.
fn given<S: Serializer>(settings: &Options, serializer: S) -> Result<S::Ok, S::Error> {
    settings.given().serialize(serializer)
}

impl Metadata {
    /// The metadata of a run on samples of these classes after `step` updates.
    pub fn new(step: u64, config: &Config, classes: &[Class]) -> Self {
        Metadata { format: FORMAT, step, settings: config.essentials(), classes: classes.to_vec() }
    }

    /// Those that weights from elsewhere would have, which were made with these settings.
    pub fn of_others(settings: Options, classes: Vec<Class>) -> Self {
        Metadata { format: FORMAT, step: 0, settings, classes }
    }

    /// What the generator is rebuilt from.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting that is not possible.
    pub fn trained(&self) -> Result<Trained> {
        Trained::new(&self.settings)
    }

    /// The configuration with the data set in this folder or file.
    ///
    /// # Errors
    /// [`Error::Flag`] if the data set is in none, [`Error::Setting`] if it needs one and gets none.
    pub fn config_with_data(&self, data_dir: Option<String>, data_file: Option<String>) -> Result<Config> {
        Config::resolve(&Options { data_dir, data_file, ..Options::default() }, &self.settings)
    }

    /// What `config` differs in from the settings of the checkpoint, as "dim = 16, not 32"; None if they agree.
    pub fn difference(&self, config: &Config) -> Option<String> {
        let [ours, theirs] = [&self.settings, &config.essentials()].map(Options::given);
        let value =
            |settings: &toml::Table, name| settings.get(name).map_or("absent".to_owned(), toml::Value::to_string);
        let name = ours.keys().chain(theirs.keys()).find(|name| ours.get(*name) != theirs.get(*name))?;
        Some(format!("{name} = {}, not {}", value(&ours, name), value(&theirs, name)))
    }

    /// What sets the classes of the data apart from those that were learned; None if their names agree.
    pub fn difference_of_classes(&self, data: &[Class]) -> Option<String> {
        let [ours, theirs] = [&self.classes, data].map(|classes| classes.iter().map(|class| &class.name));
        let differ = !ours.eq(theirs);
        differ.then(|| format!("its classes are {}, but the run has learned {}", listed(data), listed(&self.classes)))
    }

    /// One line of JSON, the same for the same metadata.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a struct of plain values is JSON")
    }

    /// The metadata of the file of weights at `path`.
    ///
    /// # Errors
    /// [`Error::Weights`] if it is no whole safetensors file or its bytes have another checksum, [`Error::Damaged`] if its
    /// metadata are not ours or are those of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let json = nn::checkpoint::metadata(path, METADATA_KEY)?;
        let json = json.ok_or_else(|| Error::damaged(path, FOREIGN))?;
        let metadata = Metadata::from_json(&json).map_err(|problem| Error::damaged(path, problem))?;
        if metadata.format > 1 && nn::checkpoint::metadata(path, CHECKSUM)?.is_none() {
            let problem = "its checksum is missing, so it is not as it was written; take a copy of it";
            return Err(Error::damaged(path, problem));
        }
        let impossible = |error| Error::damaged(path, format!("its metadata cannot be used ({error})"));
        let trained = metadata.trained().map_err(impossible)?;
        let check = check_classes(&metadata.classes, trained.conditional);
        check.map_err(|problem| Error::damaged(path, format!("its metadata cannot be used ({problem})")))?;
        Ok(metadata)
    }

    fn from_json(json: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable =
            |error: serde_json::Error| format!("its metadata cannot be read ({})", excerpt(&error.to_string()));
        let Version { format } = serde_json::from_str(json).map_err(unreadable)?;
        if !(1..=FORMAT).contains(&format) {
            return Err(format!("it has format {format}, but this program reads formats 1 to {FORMAT}"));
        }
        let metadata: Metadata = serde_json::from_str(json).map_err(unreadable)?;
        // TOML, in which settings are compared and merged, knows no number beyond 63 bits.
        toml::Table::try_from(&metadata.settings).map_err(|error| format!("its metadata cannot be used ({error})"))?;
        Ok(metadata)
    }
}

/// Whether these can be the classes that networks tell apart, if they do.
fn check_classes(classes: &[Class], told_apart: bool) -> Result<(), String> {
    let names: HashSet<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    let sizes = if told_apart { 2..=MOST_CLASSES } else { 0..=0 };
    let possible = sizes.contains(&classes.len())
        && names.len() == classes.len()
        && classes.iter().all(|class| (1..=MOST_SAMPLES).contains(&class.count));
    if possible { Ok(()) } else { Err("these classes are not possible".to_owned()) }
}

/// Refuses what was loaded from the file at `path` if a number of it is infinite or NaN.
///
/// # Errors
/// [`Error::Damaged`].
pub fn check_finite(path: &Path, loaded: &Checkpoint) -> Result<()> {
    loaded.first_non_finite()?.map_or(Ok(()), |name| {
        let problem = format!("tensor {name:?} holds numbers that are not finite, so nothing can be made of it");
        Err(Error::damaged(path, problem))
    })
}

/// Refuses what was computed with the weights in the file at `path` if it is not finite: weights may be so large that sums of
/// them overflow.
///
/// # Errors
/// [`Error::Damaged`].
pub fn check_computed(path: &Path, what: &str, values: &Tensor) -> Result<()> {
    if values.data().iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    let problem = format!("the {what} that its weights make are not all finite, so they are of no use");
    Err(Error::damaged(path, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LipschitzName;

    fn metadata(step: u64, options: Options) -> Metadata {
        Metadata::new(step, &Config::resolve(&options, &Options::default()).unwrap(), &[])
    }

    #[test]
    fn metadata_read_back_and_are_written_in_one_order() {
        let metadata = metadata(1500, Options { seed: Some(u64::MAX >> 1), lr: Some(0.1 + 0.2), ..Options::default() });
        let json = metadata.to_json();
        assert!(json.starts_with(r#"{"format":2,"step":1500,"settings":{"dataset":"mnist","#), "{json}");
        assert_eq!(Metadata::from_json(&json).unwrap(), metadata);
    }

    /// How long a run is meant to go on, on how many threads and from which folder, leaves no trace in its weights.
    #[test]
    fn metadata_depend_on_nothing_but_what_was_computed() {
        let elsewhere = Options {
            data_dir: Some("/elsewhere".to_owned()),
            steps: Some(7),
            threads: Some(3),
            sample_every: Some(2),
            checkpoint_every: Some(3),
            ..Options::default()
        };
        assert_eq!(metadata(5, elsewhere).to_json(), metadata(5, Options::default()).to_json());
    }

    #[test]
    fn a_difference_names_the_setting_and_both_values() {
        let config = |options: Options| Config::resolve(&options, &Options::default()).unwrap();
        let wide = Options { dim: Some(32), ..Options::default() };
        let metadata = metadata(5, wide.clone());
        assert_eq!(metadata.difference(&config(wide.clone())), None);
        assert_eq!(metadata.difference(&Config::default()).unwrap(), "dim = 32, not 16");
        let clipped = Options { lipschitz: Some(LipschitzName::Clip), ..wide };
        assert_eq!(metadata.difference(&config(clipped)).unwrap(), r#"lipschitz = "gp", not "clip""#);
    }

    #[test]
    fn files_carry_their_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let (weights, metadata) = (nn::Checkpoint::new(), Metadata::new(3, &Config::default(), &[]));
        weights.save(&path, Some((METADATA_KEY, &metadata.to_json()))).unwrap();
        assert_eq!(Metadata::read(&path).unwrap(), metadata);
        weights.save(&path, None).unwrap();
        let foreign = Metadata::read(&path).unwrap_err();
        assert!(foreign.to_string().ends_with(FOREIGN) && foreign.exit_code() == 2);
        std::fs::write(&path, "short").unwrap();
        let truncated = Metadata::read(&path).unwrap_err();
        assert!(truncated.to_string().contains("is not a whole safetensors file") && truncated.exit_code() == 2);
    }

    /// Files of the first format had no checksum; in later ones none may be missing, or a flipped bit could rename it.
    #[test]
    fn a_checksum_may_be_missing_in_old_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        for (format, problem) in [(1, None), (2, Some("its checksum is missing"))] {
            let json = format!(r#"{{"format":{format},"step":3,"settings":{{}}}}"#);
            let header = format!(r#"{{"__metadata__":{{"wgan":{json:?}}}}}"#);
            std::fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()).unwrap();
            let found = Metadata::read(&path).map(|metadata| metadata.step).map_err(|error| error.to_string());
            match problem {
                None => assert_eq!(found, Ok(3)),
                Some(problem) => assert!(found.clone().unwrap_err().contains(problem), "{found:?}"),
            }
        }
    }

    /// Whoever made the file up, the sentence says what is wrong.
    #[test]
    fn impossible_settings_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("generator.safetensors");
        let problem = |settings: &str| {
            let json = format!(r#"{{"format":1,"step":3,"settings":{{{settings}}}}}"#);
            nn::Checkpoint::new().save(&path, Some((METADATA_KEY, &json))).unwrap();
            Metadata::read(&path).unwrap_err().to_string()
        };
        assert!(
            problem(r#""dim":4294967296"#).ends_with("(dim = 4294967296 is not possible: it must be from 1 to 1024)")
        );
        assert!(problem(r#""dataset":"8gaussians","arch":"dcgan""#).contains("arch = dcgan is not possible"));
        assert!(problem(r#""seed":18446744073709551615"#).contains("its metadata cannot be used"));
        assert!(problem(r#""lr":1e999"#).contains("its metadata cannot be read"));
        assert!(problem(r#""dataset":"cats""#).contains("its metadata cannot be read"));
    }

    #[test]
    fn impossible_classes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("generator.safetensors");
        let read = |conditional: bool, classes: &[(&str, usize)]| {
            let config = Options { conditional: Some(conditional), ..Options::default() };
            let config = Config::resolve(&config, &Options::default()).unwrap();
            let classes: Vec<Class> =
                classes.iter().map(|&(name, count)| Class { name: name.to_owned(), count }).collect();
            let json = Metadata::new(3, &config, &classes).to_json();
            nn::Checkpoint::new().save(&path, Some((METADATA_KEY, &json))).unwrap();
            Metadata::read(&path).map_err(|error| error.to_string())
        };
        let metadata = read(true, &[("cat", 5), ("dog", 7)]).unwrap();
        assert_eq!(metadata.difference_of_classes(&metadata.classes), None);
        let difference = metadata.difference_of_classes(&metadata.classes[..1]).unwrap();
        assert_eq!(difference, "its classes are cat, but the run has learned cat, dog");
        for (conditional, classes) in [
            (true, &[][..]),
            (false, &[("cat", 5), ("dog", 7)]),
            (true, &[("cat", 5)]),
            (true, &[("cat", 5), ("cat", 7)]),
            (true, &[("cat", 0), ("dog", 7)]),
            (true, &[("cat", usize::MAX >> 1), ("dog", usize::MAX >> 1)]),
        ] {
            let problem = read(conditional, classes).unwrap_err();
            assert!(problem.ends_with("(these classes are not possible)"), "{problem}");
        }
    }

    #[test]
    fn other_versions_and_other_texts_are_told() {
        let problem = |json| Metadata::from_json(json).unwrap_err();
        assert_eq!(problem(r#"{"format":3,"more":true}"#), "it has format 3, but this program reads formats 1 to 2");
        assert!(problem("{}").starts_with("its metadata cannot be read (missing field"));
    }
}
