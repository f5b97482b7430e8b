//! The program `wgan`: reads the command line, does what it asks for, reports errors as one sentence.

use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::{Path, PathBuf, is_separator};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use autograd::{Communicator, Rank, Shape, Tensor};
use clap::Parser;
use wgan::classifier::{self, Classifier};
use wgan::cli::{
    self, Cli, Command, CompareArgs, CompletionsArgs, Data, DownloadArgs, EvalArgs, ExperimentArgs, ExportArgs,
    ExportFormat, GeneratorFiles, GeneratorSource, Grid, ManArgs, SampleArgs, TrainArgs, TrainClassifierArgs,
};
use wgan::compare::Compared;
use wgan::config::{self, Config, Options};
use wgan::data::{Split, download, is_image};
use wgan::eval::{self, Request};
use wgan::experiments::{self, Experiment, Size};
use wgan::figure::{Figure, Picture};
use wgan::machine::{backend, browser, interrupt, ranks};
use wgan::output::{self, say, tell, tell_the_end};
use wgan::report::page;
use wgan::run::RunFolder;
use wgan::sample::{self, Sampler};
use wgan::train::{self, Outcome};
use wgan::{Error, Result, npy};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            return fail(&cli::sentence(&error), 2);
        }
        Err(help_or_version) => {
            let printed = help_or_version.print().and_then(|()| stdout().flush());
            return printed.map_err(Error::Output).map_or_else(fail_by, |()| ExitCode::SUCCESS);
        }
    };
    let done = interrupt::install().and_then(|()| match &cli.command {
        None => train(&cli.train),
        Some(Command::Train(args)) => train(args),
        Some(Command::Sample(args)) => sample(args),
        Some(Command::Export(args)) => export(args),
        Some(Command::Eval(args)) => eval(args),
        Some(Command::Compare(args)) => compare(args),
        Some(Command::Data(Data::Download(args))) => download(args),
        Some(Command::Devices) => devices(),
        Some(Command::TrainClassifier(args)) => train_classifier(args),
        Some(Command::Experiment(args)) => experiment(args),
        Some(Command::Completions(args)) => completions(args),
        Some(Command::Man(args)) => manual(args),
    });
    done.unwrap_or_else(fail_by)
}

/// Ends with what is wrong; quietly, if whoever read the output has gone.
fn fail_by(error: Error) -> ExitCode {
    match &error {
        Error::Output(gone) if gone.kind() == ErrorKind::BrokenPipe => ExitCode::from(error.exit_code()),
        _ => fail(&format!("error: {error}"), error.exit_code()),
    }
}

/// Ends with a sentence.
fn fail(sentence: &str, code: u8) -> ExitCode {
    say(sentence);
    ExitCode::from(code)
}

/// Trains, by all ranks together. One that fails ends the others: they would wait for it.
fn train(args: &TrainArgs) -> Result<ExitCode> {
    let ranks = ranks::connect()?;
    let Rank { index, count } = ranks.rank();
    let done = match index {
        0 => lead(args, &ranks),
        _ => {
            output::be_quiet(true); // the first rank speaks for all
            interrupt::follow();
            train::follow(&ranks).map(|()| ExitCode::SUCCESS)
        }
    };
    match done {
        Err(error) if count > 1 => {
            // What all of them find, the first one says.
            std::thread::sleep(Duration::from_secs(if index == 0 { 0 } else { 5 }));
            output::be_quiet(false);
            say(&if index == 0 { format!("error: {error}") } else { format!("error: rank {index}: {error}") });
            ranks::abort(error.exit_code())
        }
        done => done,
    }
}

fn lead(args: &TrainArgs, ranks: &Arc<dyn Communicator>) -> Result<ExitCode> {
    let (folder, outcome) = match &args.resume {
        Some(path) => train::resume(path, &args.options, args.profile, ranks)?,
        None => {
            let file = args.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
            let config = Config::resolve(&args.options, &file)?;
            train::start(&config, args.out.as_deref(), args.force, args.profile, ranks)?
        }
    };
    let folder = folder.path().display();
    match outcome {
        Outcome::Finished => {
            tell_the_end(&format!("done; the results are in {folder}"))?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::NothingMissing => {
            tell(&format!("nothing is missing in {folder}: all steps are done; ask for more with --steps"))?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted { step } => {
            let told = match step {
                0 => format!("stopped before its first step was done; start it again with --out {folder}"),
                _ => format!("stopped after step {step}; go on with: wgan train --resume {folder}"),
            };
            tell_the_end(&told)?;
            Ok(ExitCode::from(interrupt::EXIT_CODE))
        }
    }
}

fn sample(args: &SampleArgs) -> Result<ExitCode> {
    let format = Format::of(&args.out)?;
    check_name("save-z", args.save_z.as_deref(), "npy")?;
    let GeneratorFiles { checkpoint, weights, .. } = &args.source.files;
    let outputs = [("out", Some(&*args.out)), ("save-z", args.save_z.as_deref())];
    check_outputs(&outputs, &[&args.z, &args.real.classifier, checkpoint, weights])?;
    let run = args.source.files.run.as_deref().map(RunFolder::open).transpose()?;
    let mut sampler = sampler(&args.source, run.as_ref())?;
    if let Some(class) = &args.class {
        sampler = sampler.of_class(class)?;
    }
    refuse_idle(args, &format, &sampler)?;
    if let Some(noise) = &args.z {
        sampler = sampler.of_noise(noise)?;
    }
    let count = sampler.given().or(args.count.map(|count| count as usize));
    let count = count.unwrap_or_else(|| args.grid.usual_count(sampler.classes().len()));
    let seed = args.seed.unwrap_or(0);
    let mut single_files = args.save_z.iter().chain((!matches!(format, Format::Folder)).then_some(&args.out));
    single_files.try_for_each(|file| nn::files::check_writable(file))?;
    match format {
        Format::Png => nn::files::write_whole(&args.out, &picture(args, &sampler, run.as_ref(), count, seed)?)?,
        Format::Npy => {
            nn::files::write_whole(&args.out, &npy::encode(&without_channel(sampler.draw(count, seed)?)))?;
        }
        Format::Folder => sample::folder(&sampler, count, seed, &args.out)?,
    }
    if let Some(noise) = &args.save_z {
        nn::files::write_whole(noise, &npy::encode(&sampler.noise(count, seed)?))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The generator, and if it is in the folder of a run, which has been opened, that of this one.
fn sampler(source: &GeneratorSource, run: Option<&RunFolder>) -> Result<Sampler> {
    let GeneratorFiles { checkpoint, weights, .. } = &source.files;
    match (run, weights) {
        (Some(run), _) => Sampler::load(&run.generator()),
        (None, Some(weights)) => Sampler::load_plain(weights, &source.networks.options()),
        (None, None) => Sampler::load(checkpoint.as_deref().expect("clap asks for one of the three")),
    }
}

fn export(args: &ExportArgs) -> Result<ExitCode> {
    match args.format {
        ExportFormat::Onnx => check_name("out", Some(&args.out), "onnx")?,
    }
    let GeneratorFiles { checkpoint, weights, .. } = &args.source.files;
    check_outputs(&[("out", Some(&args.out))], &[checkpoint, weights])?;
    let run = args.source.files.run.as_deref().map(RunFolder::open).transpose()?;
    let sampler = sampler(&args.source, run.as_ref())?;
    let model = match args.format {
        ExportFormat::Onnx => sample::as_onnx(&sampler)?,
    };
    nn::files::write_whole(&args.out, &model)?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses flags that would change nothing, and grids of what is no image.
fn refuse_idle(args: &SampleArgs, format: &Format, sampler: &Sampler) -> Result<()> {
    let grid = args.grid;
    match format {
        Format::Npy if grid != Grid::Plain => {
            return Err(Error::flag("grid", "an array has no rows; name a .png"));
        }
        Format::Folder if grid != Grid::Plain => {
            return Err(Error::flag("grid", "single images have no order; name a .png"));
        }
        Format::Folder if !is_image(&sampler.trained().sample) => {
            let reason = "the samples are points, not images; name a .npy or a .png";
            return Err(Error::impossible("out", args.out.display(), reason));
        }
        Format::Npy | Format::Png | Format::Folder => {}
    }
    if grid != Grid::Plain && !is_image(&sampler.trained().sample) {
        return Err(Error::impossible("grid", config::name(&grid), "the samples are points, not images"));
    }
    if grid == Grid::Classes && sampler.classes().is_empty() {
        let reason = "the run was trained without --conditional, so there are no classes";
        return Err(Error::impossible("grid", config::name(&grid), reason));
    }
    if grid == Grid::Classes && args.class.is_some() {
        return Err(Error::flag("class", "--grid classes shows all of them"));
    }
    let noise = [("z", &args.z), ("save-z", &args.save_z)].into_iter().find(|(_, file)| file.is_some());
    if let Some((flag, _)) = noise.filter(|_| ![Grid::Plain, Grid::Neighbours].contains(&grid)) {
        return Err(Error::flag(flag, "only --grid plain and neighbours show one sample for each row of noise"));
    }
    if args.seed.is_some() && args.z.is_some() && (sampler.classes().is_empty() || args.class.is_some()) {
        return Err(Error::flag("seed", "nothing is drawn beside the noise of --z"));
    }
    if args.real.data_dir.is_some() && grid != Grid::Neighbours {
        return Err(Error::flag("data-dir", "only --grid neighbours looks at training images"));
    }
    if args.real.classifier.is_some() && grid != Grid::Digits {
        return Err(Error::flag("classifier", "only --grid digits sorts samples by their class"));
    }
    Ok(())
}

/// The bytes of the picture that is asked for.
fn picture(args: &SampleArgs, sampler: &Sampler, run: Option<&RunFolder>, count: usize, seed: u64) -> Result<Vec<u8>> {
    let picture = match args.grid {
        Grid::Plain => Picture::of_samples(&sampler.draw(count, seed)?),
        Grid::Interpolation => sample::interpolation(sampler, count, seed)?,
        Grid::Classes => sample::classes(sampler, count, seed)?,
        Grid::Digits => {
            let classifier = Classifier::of(sampler.trained().dataset, args.real.classifier.as_deref())?;
            sample::digits(sampler, &classifier, count, seed)?
        }
        Grid::Neighbours => {
            let data = sampler.config_with_data(args.real.data_dir.clone(), run)?.load_data()?;
            sample::neighbours(&sampler.draw(count, seed)?, &data)
        }
        Grid::Walk => return sample::walk(sampler, count, seed),
    };
    Ok(picture.encode())
}

fn eval(args: &EvalArgs) -> Result<ExitCode> {
    let folder = RunFolder::open(&args.run)?;
    let request = Request {
        samples: args.samples as usize,
        seed: args.seed,
        data_dir: args.real.data_dir.clone(),
        classifier: args.real.classifier.as_deref(),
    };
    let (evaluation, data) = eval::evaluate(&folder, &request)?;
    let renewed = page::renew(&folder, &data);
    tell(&evaluation.to_string())?; // whatever becomes of the page
    renewed.map(|()| ExitCode::SUCCESS)
}

fn compare(args: &CompareArgs) -> Result<ExitCode> {
    let encode = args.out.as_deref().map(encoder).transpose()?;
    check_outputs(&[("out", args.out.as_deref())], &[])?;
    let compared = Compared::read(&args.runs)?;
    tell(&compared.to_string())?; // whatever becomes of the picture
    if let (Some(encode), Some(out)) = (encode, &args.out) {
        nn::files::write_whole(out, &encode(&compared.figure()?))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What makes a file of this name of a figure.
fn encoder(path: &Path) -> Result<fn(&Figure) -> Vec<u8>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => Ok(|figure| figure.picture().encode()),
        Some("svg") => Ok(|figure| figure.svg().into_bytes()),
        _ => Err(Error::impossible("out", path.display(), "the name must end in .png or .svg")),
    }
}

fn download(args: &DownloadArgs) -> Result<ExitCode> {
    download::download(args.dataset, &args.to, args.mirror.as_deref())?;
    let (name, folder) = (args.dataset, args.to.display());
    tell(&format!("the files are in {folder}; learn them with: wgan --dataset {name} --data-dir {folder}"))?;
    Ok(ExitCode::SUCCESS)
}

fn devices() -> Result<ExitCode> {
    tell(backend::table()?.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn train_classifier(args: &TrainClassifierArgs) -> Result<ExitCode> {
    check_name("out", Some(&args.out), "safetensors")?;
    check_outputs(&[("out", Some(&args.out))], &[])?;
    let data =
        args.data_dir.as_deref().map_or_else(|| Split::embedded(args.seed), |folder| Split::read(folder, args.seed))?;
    nn::files::check_writable(&args.out)?;
    let (classifier, accuracy) = classifier::train(&data, args.steps, args.seed)?;
    classifier.write(&args.out)?;
    let (accuracy, count) = (100.0 * accuracy, data.held_out.len());
    tell(&format!("tells {accuracy:.1} % of {count} held-out images; the weights are in {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn experiment(args: &ExperimentArgs) -> Result<ExitCode> {
    if args.name == cli::LIST {
        let longest = experiments::ALL.iter().map(|experiment| experiment.name.len()).max().unwrap_or(0);
        for Experiment { name, summary, .. } in experiments::ALL {
            tell(&format!("{name:longest$}  {summary}"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let size = if args.quick { Size::Quick } else { Size::Full };
    let (mut missed, mut pages) = (Vec::new(), Vec::new());
    for experiment in Experiment::named(&args.name).map_or(experiments::ALL.to_vec(), |one| vec![one]) {
        let folder = args.out.join(experiment.name);
        tell(&format!("{}: {}\n", experiment.name, experiment.summary))?;
        let findings = experiment.run_in(&folder, size)?;
        tell(&format!("{findings}\nfigure and table are in {}\n", folder.display()))?;
        pages.push(folder.join(experiments::PAGE));
        if !findings.holds() {
            missed.push(experiment.name);
        }
    }
    for page in pages.iter().filter(|_| args.open) {
        if let Err(error) = browser::open(page) {
            say(&format!("warning: {error}")); // whatever was found is found
        }
    }
    if missed.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Error::Missed(missed)) }
}

fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    tell(cli::completions(args.shell).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn manual(args: &ManArgs) -> Result<ExitCode> {
    fs::create_dir_all(&args.to).map_err(|source| Error::Write { path: args.to.clone(), source })?;
    for (name, page) in cli::manual() {
        nn::files::write_whole(&args.to.join(name), &page)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a name that says something else than what is written.
fn check_name(flag: &str, path: Option<&Path>, extension: &str) -> Result<()> {
    match path.filter(|path| path.extension().is_none_or(|found| found != extension)) {
        Some(path) => Err(Error::impossible(flag, path.display(), &format!("the name must end in .{extension}"))),
        None => Ok(()),
    }
}

/// Refuses to write over what is read or over a file of a run, and to write two things to one place. Each output comes with
/// its flag.
fn check_outputs(outputs: &[(&str, Option<&Path>)], inputs: &[&Option<PathBuf>]) -> Result<()> {
    let inputs: Vec<PathBuf> = inputs.iter().filter_map(|input| input.as_deref().map(place)).collect();
    let mut taken = Vec::new();
    for (flag, path) in outputs.iter().filter_map(|&(flag, path)| Some((flag, path?))) {
        let place = place(path);
        let reason = if inputs.contains(&place) {
            "it is read from; name another file"
        } else if taken.contains(&place) {
            "another flag names it, too; name another file"
        } else if RunFolder::is_of_a_run(&place) {
            "it is a file of a run; name another one"
        } else {
            taken.push(place);
            continue;
        };
        return Err(Error::impossible(flag, path.display(), reason));
    }
    Ok(())
}

/// Where a file is, or would be, whichever way its name leads there.
fn place(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join(path.file_name().unwrap_or_default())
    })
}

/// Images as `[N, height, width]`; points stay as they are.
fn without_channel(samples: Tensor) -> Tensor {
    let shape = match samples.shape()[..] {
        [count, 1, height, width] => Shape::from([count, height, width]),
        _ => samples.shape().clone(),
    };
    samples.reshape(shape).expect("leaving out an extent of one keeps all elements")
}

/// What samples are written to.
enum Format {
    Png,
    Npy,
    Folder,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() || path.to_string_lossy().ends_with(is_separator) => Ok(Format::Folder),
            Some("png") => Ok(Format::Png),
            Some("npy") => Ok(Format::Npy),
            _ => Err(Error::impossible("out", path.display(), "the name must end in .png, .npy or, of a folder, in /")),
        }
    }
}
