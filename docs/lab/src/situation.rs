//! A situation: what is learned and how, as an address says it, `dataset=8gaussians&lipschitz=clip&clip=0.01`. The names are
//! those of the program's flags, and so are the defaults and what is refused.

use serde_json::{Map, Value, json};
use wgan::config::{Config, DatasetName, LipschitzName, ObjectiveName, Options, all};
use wgan::game::CriticSchedule;

use crate::learned::Learned;

/// Wider networks, larger batches and more updates of the critic would take longer than a page has, or more memory.
const WIDEST: u64 = 256;
const LARGEST: u64 = 512;
const MOST_STEPS: u64 = 50;

/// Settings of the program that a page does not obey: it goes on as long as it is looked at, and keeps nothing.
const IDLE: [&str; 9] = [
    "critic-schedule",
    "conditional",
    "steps",
    "backend",
    "threads",
    "sample-every",
    "checkpoint-every",
    "eval-every",
    "tensorboard",
];

/// All settings of a training.
#[derive(Clone, Debug)]
pub struct Situation {
    /// What is learned.
    pub learned: Learned,
    /// How; its `data` says nothing.
    pub config: Config,
}

impl Situation {
    /// What an address asks for, without its `#`: a setting each between `&`.
    ///
    /// ```
    /// use lab::situation::Situation;
    /// let situation = Situation::parse("dataset=lines&lipschitz=clip&seed=3")?;
    /// assert_eq!((situation.config.game.seed, situation.config.game.lr), (3, 5e-5));
    /// assert!(Situation::parse("lambda=-1").is_err());
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// The program's sentence, if a setting is not possible.
    pub fn parse(address: &str) -> Result<Self, String> {
        let (mut dataset, mut drawn, mut given) = ("8gaussians", "", Map::new());
        for setting in address.split('&').filter(|setting| !setting.is_empty()) {
            let (key, value) =
                setting.split_once('=').ok_or_else(|| format!("{setting:?} in the address has no value"))?;
            match key {
                "dataset" => dataset = value,
                "drawn" => drawn = value,
                _ => _ = given.insert(key.to_owned(), number_or_text(value)),
            }
        }
        let learned = Learned::parse(dataset, drawn)?;
        if let Some(name) = IDLE.iter().find(|name| given.contains_key(**name)) {
            return Err(format!("{name} has no place here: a page trains for as long as it is looked at, in one way"));
        }
        let flags: Options = serde_json::from_value(Value::Object(given)).map_err(|error| error.to_string())?;
        let within = |setting: &str, value: Option<u64>, most: u64| match value {
            Some(value) if value > most => Err(format!("{setting} = {value} is not possible here: {most} at most")),
            _ => Ok(()),
        };
        within("dim", flags.dim.map(|dim| dim as u64), WIDEST)?;
        within("batch", flags.batch.map(|batch| batch as u64), LARGEST)?;
        within("critic-steps", flags.critic_steps, MOST_STEPS)?;
        let config = Config::resolve(&flags, &base(&learned)).map_err(|error| error.to_string())?;
        Ok(Situation { learned, config })
    }

    /// The command that does the same, if the program can.
    pub fn command(&self) -> Option<String> {
        matches!(self.learned, Learned::Toy(_)).then(|| self.config.command_line())
    }

    /// The settings that have an effect, with their values.
    pub fn used(&self) -> Value {
        let mut used = json!(self.config.used());
        if let Value::Object(settings) = &mut used {
            settings.retain(|_, value| !value.is_null());
        }
        used
    }
}

/// What is not in the address: networks of 3 × 64 units, and samples of the generator in training itself, not of averaged
/// weights, as the critic sees them.
fn base(learned: &Learned) -> Options {
    let dataset = match learned {
        Learned::Toy(wgan::data::Toy::TwentyFiveGaussians) => DatasetName::TwentyFiveGaussians,
        Learned::Toy(wgan::data::Toy::Swissroll) => DatasetName::Swissroll,
        Learned::Toy(wgan::data::Toy::EightGaussians) | Learned::Lines | Learned::Drawn(_) => {
            DatasetName::EightGaussians
        }
    };
    Options {
        dataset: Some(dataset),
        dim: Some(64),
        batch: Some(128),
        average: Some(0.0),
        critic_schedule: Some(CriticSchedule::Constant),
        ..Options::default()
    }
}

fn number_or_text(value: &str) -> Value {
    match (value.parse::<u64>(), value.parse::<f64>()) {
        (Ok(whole), _) => json!(whole),
        (_, Ok(number)) if number.is_finite() => json!(number),
        _ => json!(value),
    }
}

/// The choices that the page offers: of each setting the values, with what the program's help says of them.
pub fn choices() -> Value {
    json!({
        "dataset": Learned::NAMES.map(|(name, help)| json!([name, help])),
        "objective": all::<ObjectiveName>(),
        "lipschitz": all::<LipschitzName>(),
    })
}

/// A situation that shows a claim of the guide.
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// The address.
    pub address: &'static str,
    /// What is to be seen.
    pub claim: &'static str,
}

/// All there are.
pub const PRESETS: [Preset; 6] = [
    Preset {
        name: "WGAN-GP",
        address: "dataset=8gaussians&lr=5e-4",
        claim: "The critic's height leads the points to all eight modes; the estimate falls towards the exact distance.",
    },
    Preset {
        name: "penalty bias",
        address: "dataset=lines&lambda=0.05&lr=5e-4",
        claim: "A light penalty is paid rather than obeyed: the slope rises above 1, by about W/2λ, and the estimate stands \
                above the exact distance.",
    },
    Preset {
        name: "dead critic",
        address: "dataset=8gaussians&lipschitz=clip&clip=0.01",
        claim: "Weights clipped to ±0.01 leave the critic flat: an estimate near 0, arrows too short to move a point.",
    },
    Preset {
        name: "sigmoid saturates",
        address: "dataset=8gaussians&objective=standard&critic-steps=20&lr=1e-3",
        claim: "The standard GAN's generator learns through σ, which is level where the critic is sure: the arrows vanish.",
    },
    Preset {
        name: "no constraint",
        address: "dataset=8gaussians&lipschitz=none&lr=5e-4",
        claim: "Nothing bounds the critic: slope and estimate run away, and say nothing of the distance.",
    },
    Preset {
        name: "spectral norm",
        address: "dataset=8gaussians&lipschitz=spectral&lr=5e-4",
        claim: "Every layer stretches by 1 at most, so the slope stays below 1, and the estimate below the distance.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use wgan::game::objective::{Lipschitz, Loss};

    #[test]
    fn an_address_is_the_programs_flags() {
        let clip = Situation::parse("dataset=25gaussians&lipschitz=clip&clip=0.05&dim=32").unwrap();
        assert_eq!(clip.config.game.objective.lipschitz, Lipschitz::Clip { c: 0.05 });
        let command = clip.command().unwrap();
        assert!(command.starts_with("wgan train --dataset 25gaussians --dim 32"), "{command}");
        assert!(Situation::parse("dataset=lines").unwrap().command().is_none());
        let standard = Situation::parse("objective=standard").unwrap().config.game.objective;
        assert_eq!((standard.loss, standard.lipschitz), (Loss::Standard, Lipschitz::None));
    }

    #[test]
    fn what_is_not_possible_gets_the_programs_sentence() {
        for (address, part) in [
            ("lambda=-1", "lambda = -1 is not possible"),
            ("lipschitz=clip&lambda=3", "--lambda has no place here"),
            ("lipschitz=clap", "\"clap\" is not one of clip"),
            ("dim=1000", "256 at most"),
            ("critic-steps=1000", "critic-steps = 1000 is not possible here: 50 at most"),
            ("steps=5", "steps has no place here"),
            ("lr=1e-3&critic-schedule=converge", "critic-schedule has no place here"),
            ("backend=opencl", "backend has no place here"),
            ("threads=2", "threads has no place here"),
            ("eval-every=5", "eval-every has no place here"),
            ("tensorboard=true", "tensorboard has no place here"),
            ("dim", "has no value"),
            ("width=3", "unknown field `width`"),
            ("arch=dcgan", "need mlp"),
        ] {
            let error = Situation::parse(address).unwrap_err();
            assert!(error.contains(part), "{address}: {error}");
        }
    }

    #[test]
    fn presets_and_choices_are_possible() {
        for preset in &PRESETS {
            Situation::parse(preset.address).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        }
        for lipschitz in choices()["lipschitz"].as_array().unwrap() {
            Situation::parse(&format!("lipschitz={}", lipschitz[0].as_str().unwrap())).unwrap();
        }
    }
}
