//! The program as a person meets it: its help, its error sentences, its exit codes.

mod workplace;

use std::fs;

use workplace::{Workplace, text};

/// What the program complains of in an empty folder.
#[track_caller]
fn complaint(args: &str, code: i32) -> String {
    Workplace::new().complaint(args, code)
}

/// A raw IDX file: the magic number, the extents, as many bytes.
fn idx(magic: u32, extents: &[u32]) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(extents).flat_map(|word| word.to_be_bytes());
    header.chain(std::iter::repeat_n(0, extents.iter().product::<u32>() as usize)).collect()
}

/// The complaint about training on a folder whose file of images holds these bytes.
fn complaint_about_images(bytes: &[u8]) -> String {
    let place = Workplace::new();
    fs::write(place.path("train-images-idx3-ubyte.gz"), bytes).unwrap();
    place.complaint("--data-dir .", 2).replace("[folder]/train-images-idx3-ubyte.gz", "[file]")
}

mod help {
    use super::*;

    fn help(args: &str) -> String {
        text(Workplace::new().run(args).stdout)
    }

    #[test]
    fn of_the_program() {
        insta::assert_snapshot!(help("--help"));
    }

    #[test]
    fn in_brief() {
        insta::assert_snapshot!(help("-h"));
    }

    #[test]
    fn of_sample() {
        insta::assert_snapshot!(help("sample --help"));
    }

    #[test]
    fn train_takes_the_options_that_no_command_takes() {
        let options = |text: String| text[text.find("Data:").unwrap()..].to_owned();
        assert_eq!(options(help("train --help")), options(help("--help")));
    }
}

/// Every shell is told of commands and flags, and those that complete values also of these.
#[test]
fn shells_complete_commands_and_flags() {
    let place = Workplace::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = text(place.run(&format!("completions {shell}")).stdout);
        let values = if shell == "powershell" { &[][..] } else { &["gp-one-sided", "mlp-small"] };
        for word in ["train-classifier", "save-z", "mirror"].iter().chain(values) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let place = Workplace::new();
    place.run("man --to man/man1");
    let commands = ["", "-train", "-sample", "-export", "-eval", "-compare", "-data", "-data-download", "-experiment"];
    for command in commands {
        let page = text(place.bytes(&format!("man/man1/wgan{command}.1")));
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{command}: {page}");
    }
    assert!(text(place.bytes("man/man1/wgan-data-download.1")).contains("mirror"));
}

/// Other variables than those of a start by several processes are none of it, whatever their names.
#[test]
fn a_variable_that_holds_no_number_is_no_sign_of_several_processes() {
    for value in ["", "abc", "0", "1"] {
        let place = Workplace::new();
        let mut command = place.command("train --batch 20000");
        command.env("PMI_SIZE", value);
        let complaint = workplace::complaint(command, 2);
        assert!(complaint.starts_with("error: batch = 20000 is not possible"), "{value}: {complaint}");
    }
}

/// What was asked for and reached nobody is an error; a reader that has gone is none to be told of.
#[cfg(target_os = "linux")]
#[test]
fn every_answer_is_checked() {
    let place = Workplace::new();
    place.run("train --dataset 8gaussians --dim 16 --batch 16 --steps 2 --out run");
    for args in [
        "--help",
        "--version",
        "devices",
        "experiment list",
        "eval --run run",
        "train --resume run --steps 9 --profile",
    ] {
        let run = |stdout: std::fs::File| {
            let output = place.command(args).stdout(stdout).output().unwrap();
            (output.status.code(), text(output.stderr))
        };
        let (code, stderr) = run(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        assert_eq!(code, Some(1), "{args}: {stderr}");
        let sentence = "error: cannot write to standard output: No space left on device (os error 28)\n";
        assert!(stderr.ends_with(sentence), "{args}: {stderr}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{args}: {output:?}");
        assert!(!text(output.stderr).contains("error"), "{args}");
    }
}

mod flags {
    use super::*;

    #[test]
    fn an_unknown_value_names_the_nearest_one() {
        insta::assert_snapshot!(complaint("--dataset mnits", 2), @"error: invalid value 'mnits' for '--dataset <NAME>' [possible values: mnist, fashion-mnist, cifar10, 8gaussians, 25gaussians, swissroll, images, points, numbers]; a similar value exists: 'mnist'");
        insta::assert_snapshot!(complaint("train --lipschitz gp-onesided", 2), @"error: invalid value 'gp-onesided' for '--lipschitz <NAME>' [possible values: clip, gp, gp-one-sided, lp, difference, difference-one-sided, pairs, spectral, bounded, none]; a similar value exists: 'gp-one-sided'");
    }

    #[test]
    fn an_unknown_flag_names_the_nearest_one() {
        insta::assert_snapshot!(complaint("--stps 10", 2), @"error: unexpected argument '--stps' found; a similar argument exists: '--steps'");
    }

    #[test]
    fn impossible_values_are_refused() {
        insta::assert_snapshot!(
            complaint("--lambda -1", 2),
            @"error: lambda = -1 is not possible: it must be greater than 0"
        );
        insta::assert_snapshot!(
            complaint("--steps 9223372036854775808", 2),
            @"error: invalid value '9223372036854775808' for '--steps <N>': 9223372036854775808 is not in 0..=9223372036854775807"
        );
        insta::assert_snapshot!(
            complaint("--dim 9223372036854775807", 2),
            @"error: dim = 9223372036854775807 is not possible: it must be from 1 to 1024"
        );
        insta::assert_snapshot!(
            complaint("--batch 20000", 2),
            @"error: batch = 20000 is not possible: mnist has only 9500 samples to train on"
        );
        insta::assert_snapshot!(
            complaint("--dataset swissroll --arch dcgan", 2),
            @"error: arch = dcgan is not possible: the samples are points, which need mlp"
        );
    }

    #[test]
    fn flags_without_effect_are_refused() {
        insta::assert_snapshot!(
            complaint("--clip 0.1", 2),
            @"error: --clip has no place here: weights are clipped under --lipschitz clip alone"
        );
    }

    #[test]
    fn a_command_of_commands_names_them() {
        insta::assert_snapshot!(complaint("data", 2), @"error: 'wgan data' requires a subcommand but one was not provided [subcommands: download, help]");
    }

    #[test]
    fn sample_needs_a_generator_and_a_kind_of_file() {
        insta::assert_snapshot!(complaint("sample --out a.png", 2), @"error: the following required arguments were not provided: <--run <DIR>|--checkpoint <FILE>|--weights <FILE>>");
        insta::assert_snapshot!(
            complaint("sample --run . --out a.jpg", 2),
            @"error: out = a.jpg is not possible: the name must end in .png, .npy or, of a folder, in /"
        );
        insta::assert_snapshot!(
            complaint("sample --run . --out a.png", 2),
            @"error: . holds no checkpoint.safetensors: it is not the folder of a run, or the run ended before its first checkpoint and can be started again with --out"
        );
    }
}

mod config_file {
    use super::*;

    fn complaint_about(text: &str) -> String {
        let place = Workplace::new();
        fs::write(place.path("my.toml"), text).unwrap();
        place.complaint("--config my.toml", 2)
    }

    #[test]
    fn a_missing_file_is_named() {
        insta::assert_snapshot!(
            complaint("--config my.toml", 2),
            @"error: cannot read my.toml: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        insta::assert_snapshot!(
            complaint_about("steps = 10\ncritic_steps = 3\n"),
            @r#"error: my.toml, line 2: unknown key "critic_steps"; did you mean "critic-steps"?"#
        );
    }

    #[test]
    fn a_value_of_another_type_is_told_with_its_name() {
        let told = |line| complaint_about(&format!("steps = 10\n{line}\n")).replace("error: my.toml, line 2: ", "");
        assert_eq!(told("dim = -1"), "dim = -1 is not possible: it must be a whole number, 0 or more");
        assert_eq!(told("batch= 2.5 # half"), "batch = 2.5 is not possible: it must be a whole number, 0 or more");
        assert_eq!(told("lr = \"1\""), "lr = \"1\" is not possible: it must be a number");
        assert_eq!(told("tensorboard = 1"), "tensorboard = 1 is not possible: it must be true or false");
        assert_eq!(told("sign = true"), "sign = true is not possible: it must be a text in quotes");
        assert_eq!(told("data-dir = 7"), "data-dir = 7 is not possible: it must be a text in quotes");
    }

    #[test]
    fn an_unknown_value_names_the_nearest_one() {
        insta::assert_snapshot!(
            complaint_about("sign = 'real-hihg'"),
            @r#"error: my.toml, line 1: "real-hihg" is not one of real-high, real-low; did you mean "real-high"?"#
        );
    }
}

mod data {
    use super::*;

    const IMAGES: u32 = 0x0803;

    #[test]
    fn an_empty_folder_is_told() {
        insta::assert_snapshot!(
            complaint("--data-dir .", 2),
            @"error: [folder] is empty: name the folder that the data are in"
        );
    }

    #[test]
    fn files_that_are_no_images_are_told() {
        insta::assert_snapshot!(
            complaint_about_images(&idx(0x0801, &[60])),
            @"error: [file]: these are labels, but images are needed"
        );
        insta::assert_snapshot!(
            complaint_about_images(b"neither gzip nor IDX"),
            @"error: [file]: not an IDX file of images: the magic number is 0x6e656974, not 0x00000803"
        );
        insta::assert_snapshot!(
            complaint_about_images(&idx(IMAGES, &[2, 32, 32])),
            @"error: [file]: images of 32×32 pixels, but the networks need 28×28"
        );
    }

    #[test]
    fn damaged_files_are_told() {
        let whole = idx(IMAGES, &[2, 28, 28]);
        insta::assert_snapshot!(
            complaint_about_images(&whole[..1000]),
            @"error: [file]: the file is cut off within its 2 images of 28×28 pixels, 984 bytes"
        );
        insta::assert_snapshot!(
            complaint_about_images(&[&whole[..], b"more"].concat()),
            @"error: [file]: the file goes on after its 2 images of 28×28 pixels"
        );
        insta::assert_snapshot!(
            complaint_about_images(&[0x1f, 0x8b, 8, 0, 0, 0]),
            @"error: [file]: the file ends within its header"
        );
    }

    #[test]
    fn too_few_images_for_a_batch_are_told() {
        insta::assert_snapshot!(
            complaint_about_images(&idx(IMAGES, &[2, 28, 28])),
            @"error: batch = 32 is not possible: mnist has only 2 samples to train on"
        );
    }

    #[test]
    fn a_missing_data_set_asks_for_its_folder() {
        insta::assert_snapshot!(
            complaint("--dataset fashion-mnist", 2),
            @"error: dataset = fashion-mnist is not possible: it is not embedded, so --data-dir must name its folder"
        );
    }
}

mod run_folder {
    use super::*;

    #[test]
    fn a_run_is_not_overwritten() {
        let place = Workplace::new();
        fs::create_dir(place.path("run")).unwrap();
        fs::write(place.path("run/metrics.csv"), "precious").unwrap();
        insta::assert_snapshot!(
            place.complaint("--out run", 2),
            @"error: run is not empty: name another folder, go on with --resume, or overwrite with --force"
        );
        assert_eq!(fs::read(place.path("run/metrics.csv")).unwrap(), b"precious");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let place = Workplace::new();
        fs::write(place.path("file"), "").unwrap();
        insta::assert_snapshot!(
            place.complaint("--out file/run", 1),
            @"error: cannot write file/run: Not a directory (os error 20)"
        );
    }

    #[test]
    fn a_run_that_goes_on_is_not_overwritten() {
        insta::assert_snapshot!(
            complaint("train --resume run --force", 2),
            @"error: the argument '--resume <DIR>' cannot be used with '--force'"
        );
    }

    #[test]
    fn a_resume_needs_a_checkpoint() {
        insta::assert_snapshot!(
            complaint("--resume .", 2),
            @"error: . holds no checkpoint.safetensors: it is not the folder of a run, or the run ended before its first checkpoint and can be started again with --out"
        );
    }

    #[test]
    fn a_refused_command_leaves_nothing_behind() {
        let place = Workplace::new();
        place.complaint("--batch 20000", 2);
        #[cfg(not(feature = "opencl"))]
        place.complaint("--backend opencl", 2);
        assert!(!place.path("runs").exists());
    }
}

/// Whatever is refused, nothing is overwritten, and nothing left.
mod outputs {
    use super::*;

    fn with_run() -> Workplace {
        let place = Workplace::new();
        place.run("train --dataset 8gaussians --dim 16 --batch 16 --critic-steps 1 --steps 1 --out run");
        fs::copy(place.path("run/generator.safetensors"), place.path("g.onnx")).unwrap();
        place.run("sample --run run --count 3 --save-z z.npy --out samples.npy");
        place
    }

    #[test]
    fn that_are_read_from_or_named_twice_are_refused() {
        let place = with_run();
        let before = ["g.onnx", "z.npy"].map(|name| place.bytes(name));
        insta::assert_snapshot!(
            place.complaint("export --checkpoint g.onnx --out ./g.onnx", 2),
            @"error: out = ./g.onnx is not possible: it is read from; name another file"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run run --z z.npy --out run/../z.npy", 2),
            @"error: out = run/../z.npy is not possible: it is read from; name another file"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run run --save-z same.npy --out ./same.npy", 2),
            @"error: save-z = same.npy is not possible: another flag names it, too; name another file"
        );
        assert!(["g.onnx", "z.npy"].map(|name| place.bytes(name)) == before && !place.path("same.npy").exists());
    }

    #[test]
    fn that_are_files_of_a_run_are_refused() {
        let place = with_run();
        let before = ["curves.png", "checkpoint.safetensors"].map(|name| place.bytes(&format!("run/{name}")));
        place.run("train --dataset 8gaussians --dim 16 --batch 16 --critic-steps 1 --steps 1 --out other");
        for args in [
            "sample --run run --out run/curves.png",
            "sample --run run --out run/samples/step-000001.png",
            "sample --run run --out other/progress.png",
            "compare run other --out run/curves.png",
            "train-classifier --out run/checkpoint.safetensors",
            "train-classifier --out run/best.safetensors",
        ] {
            let complaint = place.complaint(args, 2);
            assert!(complaint.ends_with("is not possible: it is a file of a run; name another one"), "{complaint}");
        }
        assert!(["curves.png", "checkpoint.safetensors"].map(|name| place.bytes(&format!("run/{name}"))) == before);
        place.run("sample --run run --out run/mine.png");
    }

    #[test]
    fn of_other_names_than_what_is_written_are_refused() {
        insta::assert_snapshot!(
            complaint("export --run mn --out mn/checkpoint.safetensors", 2),
            @"error: out = mn/checkpoint.safetensors is not possible: the name must end in .onnx"
        );
        insta::assert_snapshot!(
            complaint("sample --run mn --save-z mn/metrics.csv --out a.npy", 2),
            @"error: save-z = mn/metrics.csv is not possible: the name must end in .npy"
        );
        insta::assert_snapshot!(
            complaint("train-classifier --data-dir . --out train-images-idx3-ubyte", 2),
            @"error: out = train-images-idx3-ubyte is not possible: the name must end in .safetensors"
        );
    }

    #[test]
    fn are_both_written_or_none() {
        let place = with_run();
        fs::create_dir(place.path("full")).unwrap();
        fs::write(place.path("full/a"), "").unwrap();
        for (args, code) in [
            ("--save-z zz.npy --out full/", 2),
            ("--save-z zz.npy --out no/x.png", 1),
            ("--save-z no/zz.npy --out x.png", 1),
        ] {
            place.complaint(&format!("sample --run run {args}"), code);
            assert!(!place.path("zz.npy").exists() && !place.path("x.png").exists(), "{args}");
        }
    }
}

mod profile {
    use super::*;

    /// The small critic's first layer takes a batch of 50 digits, real ones and generated ones, to 128 numbers: once in
    /// each of the 5 updates of 2 steps.
    #[test]
    fn tells_how_often_each_kernel_ran() {
        let table = text(Workplace::new().run("--arch mlp-small --steps 2 --out run --profile").stdout);
        let row = table.lines().find(|line| line.ends_with("product 1×[100, 784]·[128, 784]ᵀ")).unwrap();
        assert_eq!(row.split_whitespace().next(), Some("10"), "{table}");
        assert!(row.contains("GFLOP/s"), "{table}");
    }
}
