//! A folder to work in, and the program to run in it.
#![allow(dead_code, reason = "no test uses all of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// An empty folder that is removed at the end.
pub struct Workplace(TempDir);

impl Workplace {
    pub fn new() -> Self {
        Workplace(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `wgan` with these arguments, given as one text.
    pub fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgan"));
        // The width of the help follows the terminal's, and where there is none, a variable.
        command.current_dir(&self.0).env_remove("COLUMNS").args(args.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What it leaves on the way to a good end.
    #[track_caller]
    pub fn run(&self, args: &str) -> Output {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// What it says when it ends with `code`, see [`complaint`]; the folder's path left out.
    #[track_caller]
    pub fn complaint(&self, args: &str, code: i32) -> String {
        let path = self.0.path().canonicalize().unwrap();
        complaint(self.command(args), code).replace(&path.display().to_string(), "[folder]")
    }
}

/// The one sentence with which a command ends, after its progress and its warnings.
#[track_caller]
pub fn complaint(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(!text(output.stdout).contains("error"), "errors belong on standard error");
    let text = text(output.stderr);
    let told = |line: &&str| ["step ", "data: ", "warning: "].iter().any(|start| line.starts_with(start));
    let lines: Vec<&str> = text.lines().skip_while(told).collect();
    let [sentence] = lines[..] else { panic!("not one sentence: {lines:#?}") };
    sentence.to_owned()
}

/// What was printed.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Width and height of a PNG file, and its colours, row by row.
pub fn pixels(path: &Path) -> (usize, usize, Vec<[u8; 3]>) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let (colours, _) = bytes.as_chunks::<3>();
    (frame.width as usize, frame.height as usize, colours.to_vec())
}
