//! The command line of `wgan`.
use clap::Parser;
fn main() {
    let cli = wgan::cli::Cli::parse();
    println!("{cli:?}");
}
