//! Trainings on images and points of one's own, from files to pictures.

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

fn empty() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs `wgan` with these arguments, given as one text.
fn wgan(folder: &TempDir, args: &str, code: i32) -> Output {
    let mut command = Command::cargo_bin("wgan").unwrap();
    command.current_dir(folder).args(args.split_whitespace()).assert().code(code).get_output().clone()
}

/// What it says when it ends with `code`, the folder's path left out.
fn complaint(folder: &TempDir, args: &str, code: i32) -> String {
    let path = folder.path().canonicalize().unwrap();
    let text = String::from_utf8(wgan(folder, args, code).stderr).unwrap();
    text.replace(&path.display().to_string(), "[folder]").trim_end().to_owned()
}

fn write_png(path: &Path, side: u32, colour: [u8; 3]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&colour.repeat((side * side) as usize)).unwrap();
}

/// Width and height of a picture, and whether it has a pixel that is not grey.
fn look(path: &Path) -> (u32, u32, bool) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    (frame.width, frame.height, pixels.chunks_exact(3).any(|pixel| pixel[0] != pixel[1]))
}

mod images {
    use super::*;

    const TRAIN: &str = "train --dataset images --data-dir data --dim 2 --seed 1";

    /// Ten red and ten blue squares.
    fn squares() -> TempDir {
        let folder = empty();
        fs::create_dir(folder.path().join("data")).unwrap();
        for i in 0..20 {
            let colour = if i % 2 == 0 { [230, 20, 20] } else { [20, 20, 230] };
            write_png(&folder.path().join(format!("data/{i:02}.png")), 12, colour);
        }
        folder
    }

    #[test]
    fn a_training_on_coloured_images_is_resumed_and_sampled_from() {
        let folder = squares();
        wgan(&folder, &format!("{TRAIN} --size 8 --batch 8 --steps 4 --out whole"), 0);
        wgan(&folder, &format!("{TRAIN} --size 8 --batch 8 --steps 2 --out run"), 0);
        wgan(&folder, "train --resume run --steps 4", 0);
        let weights = |run: &str| fs::read(folder.path().join(run).join("generator.safetensors")).unwrap();
        assert!(weights("run") == weights("whole"), "a resumed run has other weights");
        // Eight images of 8 pixels, twice as large, and the gaps between.
        assert_eq!(look(&folder.path().join("run/samples/step-000004.png")), (146, 146, true));
        // 32 of them, each with three neighbours, in four groups a row.
        let sheet = (2 + 16 * 18 + 3 * 14, 2 + 8 * 18, true);
        assert_eq!(look(&folder.path().join("run/neighbours.png")), sheet);
        let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
        assert!(page.contains("<h2 id=\"neighbours-title\">"), "{page}");
        wgan(&folder, "sample --run run --count 3 --out samples.npy", 0);
        let array = fs::read(folder.path().join("samples.npy")).unwrap();
        assert!(String::from_utf8_lossy(&array).contains("'shape': (3, 3, 8, 8,)"));
        wgan(&folder, "sample --run run --count 4 --grid neighbours --out neighbours.png", 0);
        insta::assert_snapshot!(complaint(&folder, "eval --run run", 2), @"error: dataset = images is not possible: classifiers know the classes of IDX files alone; look at wgan sample --grid neighbours");
    }

    #[test]
    fn grey_images_of_any_size_are_learned() {
        let folder = squares();
        wgan(&folder, &format!("{TRAIN} --colour grey --size 9 --batch 8 --steps 1 --out run"), 0);
        assert_eq!(look(&folder.path().join("run/samples/step-000001.png")), (162, 162, false));
    }

    #[test]
    fn what_cannot_be_learned_is_told() {
        let folder = squares();
        insta::assert_snapshot!(complaint(&folder, &format!("{TRAIN} --size 16 --batch 8"), 2), @"error: [folder]/data/00.png: 12×12 pixels are too few for --size 16");
        insta::assert_snapshot!(complaint(&folder, &format!("{TRAIN} --size 8"), 2), @"error: batch = 32 is not possible: [folder]/data has only 19 samples to train on");
        insta::assert_snapshot!(complaint(&folder, &format!("{TRAIN} --size 4 --batch 8"), 2), @"error: size = 4 is not possible: it must be from 8 to 256");
        insta::assert_snapshot!(complaint(&folder, "--dataset images", 2), @"error: dataset = images is not possible: --data-dir must name the folder that they are in");
        insta::assert_snapshot!(complaint(&folder, "--size 64", 2), @"error: --size has no place here: it is for --dataset images");
        fs::write(folder.path().join("data/05.png"), "no image").unwrap();
        insta::assert_snapshot!(complaint(&folder, &format!("{TRAIN} --size 8 --batch 8"), 2), @"error: [folder]/data/05.png: this is neither a PNG nor a JPEG image");
        fs::create_dir(folder.path().join("empty")).unwrap();
        insta::assert_snapshot!(complaint(&folder, "--dataset images --data-dir empty", 2), @"error: [folder]/empty holds no images: looked for files whose names end in .png, .jpg or .jpeg");
        assert!(!folder.path().join("runs").exists());
    }
}

mod points {
    use super::*;

    /// Options of a training of a second or less.
    const TINY: &str = "--dim 8 --batch 16 --critic-steps 2";

    /// A file of 100 points, on a line or around (50, 0).
    fn file(name: &str, point: fn(f32) -> String) -> TempDir {
        let folder = empty();
        let lines: Vec<String> = (0..100).map(|i| point(i as f32)).collect();
        fs::write(folder.path().join(name), lines.join("\n")).unwrap();
        folder
    }

    #[test]
    fn a_training_on_numbers_is_resumed_and_sampled_from() {
        let folder = file("ages.csv", |i| format!("{}", (i / 16.0).sin()));
        let train = format!("--dataset numbers --data-file ages.csv {TINY}");
        wgan(&folder, &format!("{train} --steps 4 --out whole"), 0);
        wgan(&folder, &format!("{train} --steps 2 --out run"), 0);
        wgan(&folder, "--resume run --steps 4", 0);
        let weights = |run: &str| fs::read(folder.path().join(run).join("generator.safetensors")).unwrap();
        assert!(weights("run") == weights("whole"), "a resumed run has other weights");
        assert_eq!(look(&folder.path().join("run/samples/step-000004.png")), (800, 600, true));
        wgan(&folder, "sample --run run --count 7 --out samples.npy", 0);
        let array = fs::read(folder.path().join("samples.npy")).unwrap();
        assert!(String::from_utf8_lossy(&array).contains("'shape': (7, 1,)"));
        wgan(&folder, "sample --run run --out samples.png", 0);
        assert_eq!(look(&folder.path().join("samples.png")), (800, 300, true));
        let table = String::from_utf8(wgan(&folder, "eval --run run --samples 50", 0).stdout).unwrap();
        assert!(table.starts_with("numbers after 4 steps") && table.contains("\nWasserstein distance"), "{table}");
    }

    #[test]
    fn a_number_without_others_is_learned_but_not_measured() {
        let folder = empty();
        fs::write(folder.path().join("one.csv"), "0.5").unwrap();
        let train = "--dataset numbers --data-file one.csv --dim 8 --batch 1 --steps 1 --out run";
        let told = complaint(&folder, train, 0);
        let reason = "[folder]/one.csv: its samples are too few to compare others with";
        assert!(told.ends_with(&format!("warning: step 1: the samples cannot be measured: {reason}")), "{told}");
        assert_eq!(complaint(&folder, "eval --run run", 2), format!("error: {reason}"));
    }

    #[test]
    fn points_far_from_unit_scale_are_learned_with_a_warning() {
        let folder = file("far.csv", |i| format!("{};{}", 500.0 + 20.0 * i.sin(), 20.0 * i.cos()));
        let told = complaint(&folder, &format!("--dataset points --data-file far.csv {TINY} --steps 1 --out run"), 0);
        let expected = "warning: the numbers in [folder]/far.csv are of about 3.5e2 (root mean square)";
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(look(&folder.path().join("run/samples/step-000001.png")), (640, 640, true));
    }

    #[test]
    fn what_cannot_be_learned_is_told() {
        let folder = file("two.csv", |i| format!("{i} {i}"));
        insta::assert_snapshot!(complaint(&folder, "--dataset numbers --data-file two.csv", 2), @"error: [folder]/two.csv: line 1: 2 numbers, but one is needed; learn points of the plane with --dataset points");
        insta::assert_snapshot!(complaint(&folder, "--dataset points --data-file two.csv", 2), @"error: batch = 256 is not possible: [folder]/two.csv has only 95 samples to train on");
        insta::assert_snapshot!(complaint(&folder, "--dataset points --data-file one.csv", 2), @"error: cannot read [folder]/one.csv: No such file or directory (os error 2)");
        insta::assert_snapshot!(complaint(&folder, "--dataset points", 2), @"error: dataset = points is not possible: --data-file must name the file that they are in");
        insta::assert_snapshot!(complaint(&folder, "--dataset points --data-dir .", 2), @"error: dataset = points is not possible: --data-file must name the file that they are in");
        insta::assert_snapshot!(complaint(&folder, "--data-file two.csv", 2), @"error: --data-file has no place here: only points and numbers are in a file");
    }
}
