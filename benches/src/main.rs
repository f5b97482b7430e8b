//! The program `benches`: measures whole training steps.

use std::path::PathBuf;
use std::process::ExitCode;

use benches::{Configuration, Example, dump, step};
use clap::{Args, Parser, Subcommand, value_parser};
use wgan::machine::backend::BackendName;
use wgan::machine::ranks;

/// Measure how fast training is
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure iterations of a training: 5 updates of the critic (of `light` 3) and 1 of the generator each
    Step(StepArgs),
    /// Measure means over the ranks that mpirun has started
    Messages,
    /// Measure steps of training an example of nn
    Example(ExampleArgs),
}

#[derive(Args)]
struct ExampleArgs {
    /// The example
    #[arg(value_name = "NAME")]
    example: Example,
    /// Steps to measure, after a few to warm up
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = value_parser!(u64).range(1..))]
    iterations: u64,
    /// Threads to compute on [default: one per core]
    #[arg(long, value_name = "T", value_parser = value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Instead of measuring, write what a step computes to a safetensors file
    #[arg(long, value_name = "FILE", conflicts_with = "iterations")]
    dump: Option<PathBuf>,
}

#[derive(Args)]
struct StepArgs {
    /// The training
    #[arg(value_name = "CONFIG")]
    configuration: Configuration,
    /// Iterations to measure, after a few to warm up
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u64).range(1..))]
    iterations: u64,
    /// What to compute on: cpu, opencl or opencl:PLATFORM:DEVICE
    #[arg(long, value_name = "NAME", default_value_t = BackendName::Cpu)]
    backend: BackendName,
    /// Samples per update [default: the configuration's]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Threads to compute on [default: one per core]
    #[arg(long, value_name = "T", value_parser = value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Then run as many iterations again, and print how long each kind of kernel took
    #[arg(long)]
    profile: bool,
    /// Instead of measuring, write what one update of each network computes to a safetensors file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["iterations", "profile"])]
    dump: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Step(args) => step(&args),
        Command::Messages => messages(),
        Command::Example(args) => example(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// As many threads as are asked for, else one for each core.
fn count(threads: Option<u16>) -> usize {
    threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// compare.py waits for this line.
fn started() {
    eprintln!("the first iteration is done");
}

fn example(args: &ExampleArgs) -> wgan::Result<()> {
    if let Some(path) = &args.dump {
        return args.example.dump(path);
    }
    println!("{}", args.example.measure(count(args.threads), args.iterations, started)?);
    Ok(())
}

fn messages() -> wgan::Result<()> {
    let ranks = ranks::connect()?;
    let table = benches::ranks::messages(&*ranks)?;
    if ranks.rank().index == 0 {
        print!("{table}");
    }
    Ok(())
}

fn step(args: &StepArgs) -> wgan::Result<()> {
    let threads = count(args.threads);
    let mut config = args.configuration.config(threads)?;
    config.backend = args.backend;
    config.game.batch = args.batch.map_or(config.game.batch, |batch| batch as usize);
    if let Some(path) = &args.dump {
        return dump::dump(&config, path);
    }
    let measurement = step::measure(args.configuration, &config, args.iterations, args.profile, started)?;
    if !measurement.leads {
        return Ok(()); // the first rank speaks for all
    }
    println!("{measurement}");
    if let Some(profile) = &measurement.profile {
        print!("{profile}");
    }
    Ok(())
}
