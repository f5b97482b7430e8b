//! The command line: `wgan train` (also what no subcommand does), `sample`, `export`, `eval`, `compare`, `data`, `devices`,
//! `train-classifier`, `experiment`, `completions`, `man`. The settings of a training are declared in `config/settings.rs`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, value_parser};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::config::{ArchName, DatasetName, Options};
use crate::data::ColourMode;
use crate::data::download::Published;
use crate::experiments;
use crate::game::networks::{GeneratorArch, Norm};
use crate::measures::Manifold;
use crate::sample::{self, SHOWN_OF_EACH};

/// Train Wasserstein GANs and draw samples from them
///
/// Without any option a WGAN-GP learns handwritten digits, which takes a few minutes; what it learns is left in a fresh
/// folder below runs/.
#[derive(Debug, Parser)]
#[command(name = "wgan", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; training if absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of training, so that `wgan --steps 10` trains.
    #[command(flatten)]
    pub train: TrainArgs,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a generator and its critic (what no command does as well)
    Train(Box<TrainArgs>),
    /// Draw samples from a trained generator
    Sample(SampleArgs),
    /// Write a trained generator for other programs to run
    Export(ExportArgs),
    /// Measure how good a trained generator's samples are
    Eval(EvalArgs),
    /// Show runs side by side, those that differ in the seed alone as one
    Compare(CompareArgs),
    /// Fetch data sets
    #[command(subcommand, arg_required_else_help = false)]
    Data(Data),
    /// List what can be computed on, and how fast it multiplies
    Devices,
    /// Train the classifier that images are compared by
    TrainClassifier(TrainClassifierArgs),
    /// Show on a small scale what the theory says, measured beside the known answer
    Experiment(ExperimentArgs),
    /// Print what completes these commands and flags in a shell
    Completions(CompletionsArgs),
    /// Write the manual pages of all commands
    Man(ManArgs),
}

/// The options of `wgan train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The settings, each of which a file may hold as well.
    #[command(flatten)]
    pub options: Options,

    /// File of settings by the names of these flags, as config.toml in a run's folder; flags go before it
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub config: Option<PathBuf>,
    /// Folder for the run's files [default: a fresh one, as runs/001-mnist-gp]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub out: Option<PathBuf>,
    /// Overwrite the run in the folder of --out
    #[arg(long, requires = "out", help_heading = "Files")]
    pub force: bool,
    /// Go on with the run in this folder; --steps may raise its number of steps
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "out", "force"], help_heading = "Files")]
    pub resume: Option<PathBuf>,

    /// Print at the end how long each kind of kernel took
    #[arg(long, help_heading = "Run")]
    pub profile: bool,
}

const MOST_SAMPLES: i64 = sample::MOST_SAMPLES as i64;
/// Fewer could not be measured.
const LEAST_SAMPLES: i64 = Manifold::LEAST as i64;

/// The options of `wgan sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Where the generator is.
    #[command(flatten)]
    pub source: GeneratorSource,
    /// Number of samples, rounded up to whole rows in grids but plain and walk [default: 64; 10 of each for
    /// classes, 100 for digits, 32 for neighbours, 16 for walk]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=MOST_SAMPLES))]
    pub count: Option<u32>,
    /// Start of the random numbers; the same seed gives the same samples [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// File of noise, .npy, in place of random numbers: a sample is made of each row
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    pub z: Option<PathBuf>,
    /// File for the noise that the samples are made of, .npy
    #[arg(long, value_name = "FILE", conflicts_with = "z")]
    pub save_z: Option<PathBuf>,
    /// The only class to draw, as 7 or the name of a folder, if the run is conditional [default: all, as mixed as its data]
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Which images the picture shows, and in which order
    #[arg(long, value_name = "NAME", default_value = "plain")]
    pub grid: Grid,
    /// File to write: .png for a picture of all samples, .npy for an array (N×28×28 in [0, 1], N×3×32×32, N×2 …), a new or an
    /// empty folder with a / at its end for a PNG file of each image
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What samples are compared with.
    #[command(flatten)]
    pub real: Real,
}

/// The pictures that `wgan sample` draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grid {
    /// The samples as they come
    Plain,
    /// Rows of eight images on the way from one sample to another
    Interpolation,
    /// A row for each class of a conditional run
    Classes,
    /// A row for each digit that the classifier takes samples for
    Digits,
    /// Each sample, framed, with its three nearest training images
    Neighbours,
    /// A moving picture: each image on its way through six samples and back to the first
    Walk,
}

impl Grid {
    /// As many samples as make a good picture of a generator of so many classes.
    pub fn usual_count(self, classes: usize) -> usize {
        match self {
            Grid::Plain | Grid::Interpolation => 64,
            Grid::Classes => SHOWN_OF_EACH * classes,
            Grid::Digits => 100,
            Grid::Neighbours => 32,
            Grid::Walk => 16,
        }
    }
}

/// What samples are compared with.
#[derive(Debug, Args)]
pub struct Real {
    /// Folder with the data as IDX files, raw or .gz [default: where the run had them, or the embedded digits]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Weights that `wgan train-classifier` wrote [default: embedded ones for digits, none for other images]
    #[arg(long, value_name = "FILE")]
    pub classifier: Option<PathBuf>,
}

/// The options of `wgan export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where the generator is.
    #[command(flatten)]
    pub source: GeneratorSource,
    /// What to write
    #[arg(long, value_name = "NAME", default_value = "onnx")]
    pub format: ExportFormat,
    /// File to write, .onnx
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What `wgan export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// ONNX, opset 18: from noise [batch, 128], or as many numbers as it takes, and of a conditional generator a whole
    /// number for each, class, to samples
    Onnx,
}

/// The options of `wgan eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Folder of the run, in which eval.json is left, and for images neighbours.png
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Number of samples to measure
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = value_parser!(u32).range(LEAST_SAMPLES..=MOST_SAMPLES))]
    pub samples: u32,
    /// Start of the samples' random numbers; the same seed gives the same measures
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// What samples are compared with.
    #[command(flatten)]
    pub real: Real,
}

/// The options of `wgan compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Folders of runs on the same data that have ended
    #[arg(value_name = "DIR", required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// File for a picture of their samples, and of their quality over time where --eval-every measured it: .png or .svg
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Where `wgan sample` and `wgan export` find the generator.
#[derive(Debug, Args)]
pub struct GeneratorSource {
    /// The files that it may be in.
    #[command(flatten)]
    pub files: GeneratorFiles,
    /// What it is made of, if its weights do not tell.
    #[command(flatten)]
    pub networks: NetworkOptions,
}

/// The files that a generator may be in, of which one is named.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct GeneratorFiles {
    /// Folder of a run
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// File of weights: a checkpoint.safetensors or generator.safetensors
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// File of weights from elsewhere: PyTorch's state_dict of a generator as --arch and its like say, as safetensors
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

/// The heading of the flags below in the help.
const NETWORKS: &str = "The generator of --weights, by the settings of wgan train";

/// The files that tell it themselves.
const TELLING: [&str; 2] = ["run", "checkpoint"];

/// What a generator is made of whose weights tell nothing of it. Each is the setting of this name of `wgan train`.
#[derive(Debug, Args)]
pub struct NetworkOptions {
    /// What it has learned [default: mnist]
    #[arg(long, value_name = "NAME", help_heading = NETWORKS, conflicts_with_all = TELLING, hide_possible_values = true)]
    pub dataset: Option<DatasetName>,
    /// Height and width of its images under --dataset images [default: 32]
    #[arg(long, value_name = "N", help_heading = NETWORKS, conflicts_with_all = TELLING)]
    pub size: Option<usize>,
    /// What those are made of [default: rgb]
    #[arg(long, value_name = "NAME", help_heading = NETWORKS, conflicts_with_all = TELLING, hide_possible_values = true)]
    pub colour: Option<ColourMode>,
    /// The networks [default: dcgan for images, but resnet for cifar10; mlp for points]
    #[arg(long, value_name = "NAME", help_heading = NETWORKS, conflicts_with_all = TELLING, hide_possible_values = true)]
    pub arch: Option<ArchName>,
    /// Their width [default: 16, of mlp 512]
    #[arg(long, value_name = "N", help_heading = NETWORKS, conflicts_with_all = TELLING)]
    pub dim: Option<usize>,
    /// The generator beside dcgan's critic [default: dcgan]
    #[arg(long, value_name = "NAME", help_heading = NETWORKS, conflicts_with_all = TELLING, hide_possible_values = true)]
    pub generator: Option<GeneratorArch>,
    /// What normalises its hidden layers [default: none; resnet batch]
    #[arg(long, value_name = "NAME", help_heading = NETWORKS, conflicts_with_all = TELLING, hide_possible_values = true)]
    pub generator_norm: Option<Norm>,
}

impl NetworkOptions {
    /// The settings that these are.
    pub fn options(&self) -> Options {
        let &NetworkOptions { dataset, size, colour, arch, dim, generator, generator_norm } = self;
        Options { dataset, size, colour, arch, dim, generator, generator_norm, ..Options::default() }
    }
}

/// What `wgan data` does.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Download the files of a published data set, 12 to 170 MB
    ///
    /// Every file is checked. If the connection breaks off, run the same command again: it goes on from there.
    Download(DownloadArgs),
}

/// The options of `wgan data download`.
#[derive(Debug, Args)]
pub struct DownloadArgs {
    /// Which data set
    #[arg(value_name = "NAME")]
    pub dataset: Published,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Address that the files' names follow, in place of the one where they are published; https needs a build with
    /// --features https
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
}

/// The options of `wgan train-classifier`.
#[derive(Debug, Args)]
pub struct TrainClassifierArgs {
    /// Folder with images and labels of ten classes as IDX files, raw or .gz, with or without a test set [default: the
    /// embedded digits]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Updates of the weights, with 100 images each
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = value_parser!(u64).range(1..=i64::MAX as u64))]
    pub steps: u64,
    /// Start of all random numbers; the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// File for the weights, .safetensors
    #[arg(long, value_name = "FILE", default_value = "classifier.safetensors")]
    pub out: PathBuf,
}

/// The options of `wgan experiment`.
#[derive(Debug, Args)]
pub struct ExperimentArgs {
    /// Name of an experiment; `list` says what there is, `all` runs one after the other
    #[arg(value_name = "NAME", value_parser = experiment_names(), hide_possible_values = true)]
    pub name: String,
    /// Run in seconds, with fewer samples and steps
    #[arg(long)]
    pub quick: bool,
    /// Show each result in the browser: a page with what was seen, the figure and the table
    #[arg(long)]
    pub open: bool,
    /// Folder in which each experiment leaves report.html, figure.png, figure.svg and table.txt, below its name
    #[arg(long, value_name = "DIR", default_value = "experiments")]
    pub out: PathBuf,
}

/// The options of `wgan completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// The options of `wgan man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages: wgan.1, wgan-sample.1 and so on
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// The script that completes commands and flags in a shell.
pub fn completions(shell: Shell) -> String {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    clap_complete::generate(shell, &mut command, "wgan", &mut script);
    String::from_utf8(script).expect("scripts are text")
}

/// The manual pages of the program and its commands, by the names of their files.
pub fn manual() -> Vec<(String, Vec<u8>)> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        let page = Man::new(command.clone());
        let mut text = Vec::new();
        page.render(&mut text).expect("memory takes all that is written");
        pages.push((page.get_filename(), text));
        commands.extend(command.get_subcommands().filter(|command| command.get_name() != "help").cloned());
    }
    pages
}

/// In place of an experiment's name.
pub const LIST: &str = "list";
/// In place of an experiment's name.
pub const ALL: &str = "all";

fn experiment_names() -> PossibleValuesParser {
    let names = experiments::ALL.iter().map(|experiment| experiment.name);
    names.chain([LIST, ALL]).collect::<Vec<_>>().into()
}

/// What clap says of a command line that it cannot read, as one sentence like all other errors.
pub fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let advice = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
    let lines = text.lines().map(str::trim).take_while(advice).filter(|line| !line.is_empty());
    let join = |sentence: String, line: &str| match line.strip_prefix("tip: ") {
        Some(tip) => format!("{sentence}; {tip}"),
        None => format!("{sentence} {line}"),
    };
    lines.map(str::to_owned).reduce(|sentence, line| join(sentence, &line)).unwrap_or_default()
}
