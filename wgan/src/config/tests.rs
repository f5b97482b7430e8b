use super::*;
use crate::game::networks::{Arch, GeneratorArch, Networks, Norm};
use crate::game::objective::{Lipschitz, Loss, LossForm, Objective, Penalty, Sign};
use crate::game::{CriticSchedule, Rule, Schedule};

fn parse(text: &str) -> Result<Options> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Options::read(file.path())
}

fn problem(text: &str) -> String {
    match parse(text).unwrap_err() {
        Error::ConfigFile { line, problem, .. } => format!("line {line}: {problem}"),
        other => panic!("{other}"),
    }
}

fn resolve(flags: &str, file: &str) -> Result<Config> {
    Config::resolve(&parse(flags).unwrap(), &parse(file).unwrap())
}

fn refusal(flags: &str) -> String {
    resolve(flags, "").unwrap_err().to_string()
}

#[test]
fn a_flag_goes_before_the_file_before_the_preset_before_the_default() {
    let game = resolve("lambda = 1", "dataset = '8gaussians'\nlambda = 2\nlr = 3").unwrap().game;
    assert_eq!((game.objective.lipschitz.lambda(), game.lr, game.batch, game.seed), (Some(1.0), 3.0, 256, 0));
}

#[test]
fn without_options_the_settings_are_those_of_wgan_gp_on_digits() {
    assert_eq!(resolve("", "").unwrap(), Config::default());
}

fn game(flags: &str) -> Game {
    resolve(flags, "").unwrap().game
}

const ADAM: Rule = Rule::Adam { beta1: 0.5, beta2: 0.9, epsilon: 1e-8 };
const RMSPROP: Rule = Rule::RmsProp { decay: 0.99, epsilon: 1e-8 };
const CLIP: Lipschitz = Lipschitz::Clip { c: 0.01 };
const NONE: Norm = Norm::None;

fn dcgan(dim: usize, norm: Norm) -> Networks {
    let arch = Arch::Dcgan { dim, generator: GeneratorArch::Dcgan };
    Networks { arch, generator_norm: norm, critic_norm: norm }
}

#[test]
fn presets_are_those_of_the_papers() {
    let toy = game("dataset = '25gaussians'");
    assert_eq!((toy.networks.arch, toy.batch, toy.rule, toy.lr), (Arch::Mlp { dim: 512 }, 256, ADAM, 1e-4));
    assert_eq!(toy.objective.lipschitz, Lipschitz::penalty(Penalty::TwoSided, 0.1));
    let one_sided = game("dataset = 'swissroll'\nlipschitz = 'gp-one-sided'").objective.lipschitz;
    assert_eq!(one_sided, Lipschitz::penalty(Penalty::OneSided, 10.0));
    let clipped = game("lipschitz = 'clip'");
    assert_eq!((clipped.rule, clipped.lr, clipped.objective.lipschitz), (RMSPROP, 5e-5, CLIP));
}

/// arXiv 1701.07875, algorithm 1: α = 5·10⁻⁵, c = 0.01, m = 64, five critic steps, in its code 100 at times; and a DCGAN
/// with batch norm. arXiv 1704.00028, algorithm 1 and its code for MNIST: λ = 10, Adam with α = 10⁻⁴ and (0.5, 0.9), m = 50,
/// DIM 64; and for CIFAR-10 (appendix F and its code) DIM 128, batch norm in the generator, α = 2·10⁻⁴ and (0, 0.9), m = 64.
#[test]
fn a_paper_is_one_option_away() {
    let objective =
        |lipschitz| Objective { loss: Loss::Wasserstein(LossForm::Difference), sign: Sign::RealHigh, lipschitz };
    let wgan = Game {
        networks: dcgan(64, Norm::Batch),
        objective: objective(CLIP),
        schedule: Schedule { critic_steps: 5, kind: CriticSchedule::Original },
        rule: RMSPROP,
        lr: 5e-5,
        average: 0.0,
        batch: 64,
        flip: false,
        seed: 0,
    };
    assert_eq!(game("preset = 'wgan'"), wgan);
    let gp = Game {
        networks: dcgan(64, NONE),
        objective: objective(Lipschitz::penalty(Penalty::TwoSided, 10.0)),
        schedule: Schedule { critic_steps: 5, kind: CriticSchedule::Constant },
        rule: ADAM,
        lr: 1e-4,
        average: 0.0,
        batch: 50,
        flip: false,
        seed: 0,
    };
    assert_eq!(game("preset = 'wgan-gp'"), gp);
    let residual = Game {
        networks: Networks { arch: Arch::Resnet { dim: 128 }, generator_norm: Norm::Batch, critic_norm: NONE },
        rule: Rule::Adam { beta1: 0.0, beta2: 0.9, epsilon: 1e-8 },
        lr: 2e-4,
        batch: 64,
        ..gp
    };
    assert_eq!(game("preset = 'wgan-gp'\ndataset = 'cifar10'\ndata-dir = '.'"), residual);
    assert_eq!(game("preset = 'wgan'\nlipschitz = 'gp'").networks.critic_norm, NONE);
    let points = game("preset = 'wgan'\ndataset = '8gaussians'");
    let networks = Networks { arch: Arch::Mlp { dim: 512 }, generator_norm: NONE, critic_norm: NONE };
    assert_eq!((points.networks, points.batch), (networks, 64));
    // Where it comes from leaves no trace in what is computed.
    let by_preset = resolve("preset = 'wgan-gp'", "").unwrap();
    let by_hand = Options { preset: Some(Preset::Light), ..by_preset.used().clone() };
    let by_hand = Config::resolve(&Options::default(), &by_hand).unwrap();
    assert_eq!(by_hand.essentials(), by_preset.essentials());
}

/// The recipes that README and chapter 8 compare.
#[test]
fn classes_are_learned_by_a_dcgan_in_smaller_steps() {
    let recipe = |game: Game| (game.networks, game.lr, game.rule, game.objective.lipschitz.lambda());
    let infogan = Networks { arch: Arch::Infogan { dim: 16 }, generator_norm: NONE, critic_norm: NONE };
    let hasty = Rule::Adam { beta1: 0.0, beta2: 0.9, epsilon: 1e-8 };
    assert_eq!(recipe(game("")), (infogan, 2e-3, hasty, Some(10.0)));
    assert_eq!(recipe(game("conditional = true")), (dcgan(16, NONE), 1e-3, ADAM, Some(10.0)));
}

#[test]
fn the_standard_gan_has_no_constraint_unless_asked_for() {
    assert_eq!(game("objective = 'standard'").objective.lipschitz, Lipschitz::None);
    let spectral = game("objective = 'non-saturating'\nlipschitz = 'spectral'");
    assert_eq!(spectral.objective.lipschitz, Lipschitz::Spectral);
}

#[test]
fn a_default_follows_the_file_as_well_as_the_flags() {
    let game = resolve("optimizer = 'sgd'", "lipschitz = 'clip'").unwrap().game;
    assert_eq!((game.rule, game.lr), (Rule::Sgd { momentum: 0.0 }, 1e-3));
}

#[test]
fn a_written_configuration_resolves_to_itself() {
    for given in ["", "dataset = 'swissroll'\nseed = 9223372036854775807", "lipschitz = 'clip'\nclip = 0.1\nlr = 1e-7"]
    {
        let config = resolve(given, "").unwrap();
        assert_eq!(resolve("", &config.to_toml()).unwrap(), config, "{}", config.to_toml());
    }
}

#[test]
fn a_written_configuration_holds_what_has_an_effect() {
    insta::assert_snapshot!(resolve("lipschitz = 'clip'", "").unwrap().to_toml(), @r#"
    preset = "light"
    dataset = "mnist"
    arch = "infogan"
    dim = 16
    generator-norm = "none"
    critic-norm = "none"
    objective = "wasserstein"
    loss-form = "difference"
    lipschitz = "clip"
    clip = 0.01
    sign = "real-high"
    critic-steps = 3
    critic-schedule = "constant"
    optimizer = "rmsprop"
    lr = 0.00005
    decay = 0.99
    epsilon = 0.00000001
    average = 0.995
    batch = 32
    steps = 6000
    seed = 0
    sample-every = 500
    checkpoint-every = 500
    tensorboard = false
    "#);
}

/// What follows from other settings, such as the batch of another network, need not be told.
#[test]
fn trainings_are_told_apart_by_what_the_rest_follows_from() {
    let common = "steps = 900\nbatch = 64\n";
    let configs = ["arch = 'mlp'\nseed = 3\nthreads = 2", "lipschitz = 'clip'\nseed = 4", ""];
    let configs = configs.map(|given| resolve(&format!("{common}{given}"), "").unwrap());
    let (command, flags) = in_common(&configs.each_ref());
    assert_eq!(command, "wgan train --batch 64 --steps 900");
    assert_eq!(
        flags,
        ["--arch mlp --lipschitz gp", "--arch infogan --lipschitz clip", "--arch infogan --lipschitz gp"]
    );
    assert_eq!(in_common(&[&configs[0]; 2]).1, ["", ""]);
}

/// Runs without classes are written as before there were any.
#[test]
fn classes_are_told_apart_only_if_asked_for() {
    let written = |file| resolve("", file).unwrap().to_toml();
    assert!(written("conditional = true").contains("\nconditional = true\n"));
    assert!(!written("").contains("conditional") && !written("conditional = false").contains("conditional"));
    assert!(resolve("", "conditional = true\ndataset = 'swissroll'").is_ok_and(|config| !config.conditional));
    assert_eq!(resolve("conditional = true", "").unwrap().command_line(), "wgan train --conditional");
}

#[test]
fn a_command_line_holds_what_differs_from_the_presets_alone() {
    let command = |file| {
        let config = resolve("", file).unwrap();
        let command = config.command_line();
        let words: Vec<&str> = command.split(' ').collect();
        (config, words[2..].join(" "))
    };
    assert_eq!(command("").1, "");
    assert_eq!(command("dataset = '8gaussians'\nbatch = 256\nlr = 1e-4").1, "--dataset 8gaussians");
    assert_eq!(
        command("lipschitz = 'clip'\noptimizer = 'adam'\nlr = 0.00007").1,
        "--lipschitz clip --optimizer adam --lr 0.00007"
    );
    assert_eq!(command("tensorboard = true\ndim = 16\nthreads = 2").1, "--threads 2 --tensorboard");
    assert_eq!(command("data-dir = \"/my data/it's\"").1, r"--data-dir '/my data/it'\''s'");
    // What is typed leads to the same configuration.
    let (config, line) =
        command("dataset = 'swissroll'\nlipschitz = 'gp-one-sided'\nlambda = 20.5\nseed = 7\ntensorboard = true");
    let words = std::iter::once("").chain(line.split(' '));
    let matches = <Options as clap::Args>::augment_args(clap::Command::new("")).get_matches_from(words);
    let options = <Options as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
    assert_eq!(Config::resolve(&options, &Options::default()).unwrap(), config);
}

#[test]
fn a_file_with_an_unknown_key_names_the_line_and_the_nearest_key() {
    insta::assert_snapshot!(
        problem("steps = 10\nlamda = 1.0\n"),
        @r#"line 2: unknown key "lamda"; did you mean "lambda"?"#
    );
    insta::assert_snapshot!(problem("zzz = 1"), @r#"line 1: unknown key "zzz""#);
}

#[test]
fn a_file_with_an_unknown_value_names_the_nearest_value() {
    insta::assert_snapshot!(
        problem("\n\npenalty-points = 'reel'"),
        @r#"line 3: "reel" is not one of segment, real, fake, both; did you mean "real"?"#
    );
    insta::assert_snapshot!(problem("optimizer = 'zzz'"), @r#"line 1: "zzz" is not one of rmsprop, adam, sgd"#);
}

#[test]
fn a_file_with_a_value_of_another_kind_is_an_error() {
    insta::assert_snapshot!(
        problem("steps = 'many'"),
        @"line 1: steps = 'many' is not possible: it must be a whole number, 0 or more"
    );
    insta::assert_snapshot!(
        problem("steps = -1"),
        @"line 1: steps = -1 is not possible: it must be a whole number, 0 or more"
    );
    insta::assert_snapshot!(problem("steps 10"), @"line 1: key with no value, expected `=`");
}

/// TOML's numbers have 63 bits and a sign, but its reader gives larger ones to who takes them.
#[test]
fn numbers_and_texts_out_of_all_proportion_are_told_in_a_line() {
    for name in ["size", "dim", "critic-steps", "batch", "steps", "seed", "threads", "sample-every", "checkpoint-every"]
    {
        for number in
            ["9223372036854775808", "18446744073709551615", "-9223372036854775809", "1e3", "0x8000000000000000"]
        {
            let problem = problem(&format!("\n{name} = {number}"));
            assert!(problem.starts_with("line 2: "), "{name} = {number}: {problem}");
        }
    }
    let texts = [
        format!("seed = [{}]", "1,".repeat(10_000)),
        format!("dataset = '{}'", "x".repeat(100_000)),
        format!("{} = 1", "x".repeat(100_000)),
        format!("seed = {}", "[".repeat(100_000)),
        "dataset = \"\\u001b[2J\"".to_owned(),
        "\"\\u001b[2J\" = 1".to_owned(),
    ];
    for text in texts {
        let problem = problem(&text);
        assert!(problem.len() < 600 && !problem.contains(char::is_control), "{problem}");
    }
    let error = parse(&"# a comment\n".repeat(100_000)).unwrap_err().to_string();
    assert!(error.ends_with(": it is longer than 1 MB, so it is something else"), "{error}");
    #[cfg(target_os = "linux")]
    assert!(Options::read(std::path::Path::new("/dev/zero")).unwrap_err().to_string().contains("longer than 1 MB"));
}

#[test]
fn impossible_values_are_refused() {
    insta::assert_snapshot!(refusal("lambda = -1"), @"lambda = -1 is not possible: it must be greater than 0");
    insta::assert_snapshot!(refusal("lr = nan"), @"lr = NaN is not possible: it must be greater than 0");
    insta::assert_snapshot!(
        refusal("lambda = 1e39"),
        @"lambda = 1000000000000000000000000000000000000000 is not possible: 32 bits hold numbers from 1e-37 to 3e38"
    );
    insta::assert_snapshot!(refusal("beta1 = 1"), @"beta1 = 1 is not possible: it must be at least 0 and less than 1");
    insta::assert_snapshot!(refusal("batch = 0"), @"batch = 0 is not possible: it must be at least 1");
    insta::assert_snapshot!(refusal("dim = 100000"), @"dim = 100000 is not possible: it must be from 1 to 1024");
    insta::assert_snapshot!(refusal("threads = 0"), @"threads = 0 is not possible: it must be from 1 to 256");
    insta::assert_snapshot!(
        refusal("dataset = '8gaussians'\narch = 'dcgan'"),
        @"arch = dcgan is not possible: the samples are points, which need mlp"
    );
    insta::assert_snapshot!(
        refusal("dataset = 'images'\ndata-dir = '.'\nsize = 50\narch = 'resnet'"),
        @"arch = resnet is not possible: it draws images of 16, 20, 24 or 28 pixels, or of 2, 4 or 8 times as many, but these have 50"
    );
    insta::assert_snapshot!(
        refusal("dataset = 'fashion-mnist'"),
        @"dataset = fashion-mnist is not possible: it is not embedded, so --data-dir must name its folder"
    );
    insta::assert_snapshot!(refusal("data-dir = ''"), @r#"data-dir = "" is not possible: it is the name of nothing"#);
    insta::assert_snapshot!(
        refusal("dataset = 'points'\ndata-file = ''"),
        @r#"data-file = "" is not possible: it is the name of nothing"#
    );
    insta::assert_snapshot!(
        refusal("lipschitz = 'difference'\npenalty-points = 'real'"),
        @"penalty-points = real is not possible: difference needs two points on a segment"
    );
    insta::assert_snapshot!(
        refusal("critic-norm = 'batch'"),
        @"critic-norm = batch is not possible: the penalty is for each sample's own slope, which batch norm mixes with others; take layer"
    );
    insta::assert_snapshot!(
        refusal("critic-norm = 'layer'\nlipschitz = 'spectral'"),
        @"critic-norm = layer is not possible: it would undo the bound of spectral normalisation"
    );
    insta::assert_snapshot!(
        refusal("generator-norm = 'batch'\nbatch = 1"),
        @"batch = 1 is not possible: batch norm needs at least 2 samples"
    );
}

#[test]
fn flags_without_effect_are_refused() {
    insta::assert_snapshot!(
        refusal("lipschitz = 'clip'\nlambda = 1"),
        @"--lambda has no place here: there is no penalty to be weighted"
    );
    insta::assert_snapshot!(
        refusal("optimizer = 'sgd'\nbeta1 = 0.1"),
        @"--beta1 has no place here: it belongs to adam"
    );
    insta::assert_snapshot!(
        refusal("objective = 'standard'\nloss-form = 'labels'"),
        @"--loss-form has no place here: it is a form of the Wasserstein loss"
    );
    insta::assert_snapshot!(
        refusal("arch = 'mlp'\ngenerator = 'mlp'"),
        @"--generator has no place here: it is a choice beside the critic of dcgan"
    );
    insta::assert_snapshot!(
        refusal("lipschitz = 'pairs'\npenalty-points = 'real'"),
        @"--penalty-points has no place here: pairs compares the samples themselves"
    );
    insta::assert_snapshot!(
        refusal("lipschitz = 'spectral'\nlambda = 1"),
        @"--lambda has no place here: there is no penalty to be weighted"
    );
    // In a file the same line waits for other flags.
    assert!(resolve("lipschitz = 'clip'", "lambda = 1").is_ok());
}

#[test]
fn a_resume_changes_steps_and_reports_alone() {
    let run = resolve("lipschitz = 'clip'", "").unwrap();
    let resumed = run.resumed(&parse("steps = 9000\nthreads = 2").unwrap()).unwrap();
    assert_eq!((resumed.steps, resumed.threads, resumed.game), (9000, Some(2), run.game));
    assert_eq!(resumed.essentials(), run.essentials());
    insta::assert_snapshot!(
        run.resumed(&parse("seed = 1").unwrap()).unwrap_err(),
        @"--seed has no place here: a resumed run keeps all settings but steps, backend, threads and reports"
    );
    insta::assert_snapshot!(
        run.resumed(&parse("steps = 0").unwrap()).unwrap_err(),
        @"steps = 0 is not possible: it must be at least 1"
    );
    insta::assert_snapshot!(
        run.resumed(&parse("backend = 'opencl'\nthreads = 2").unwrap()).unwrap_err(),
        @"--threads has no place here: an OpenCL device has threads of its own"
    );
}
