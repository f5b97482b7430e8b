//! Trainings on images and points of one's own, from files to pictures.

mod workplace;

use std::fs;
use std::path::Path;

use workplace::{Workplace, pixels, text};

/// A run that was resumed has the weights of one in one go.
fn assert_same_weights(place: &Workplace, resumed: &str, whole: &str) {
    let [resumed, whole] = [resumed, whole].map(|run| place.bytes(&format!("{run}/generator.safetensors")));
    assert!(resumed == whole, "a resumed run has other weights");
}

/// The shape of an array in an `.npy` file, as Python writes it.
fn shape(file: &[u8]) -> String {
    let header = String::from_utf8_lossy(file);
    header.split("'shape': ").nth(1).unwrap().split(", }").next().unwrap().to_owned()
}

fn write_png(path: &Path, side: u32, colour: [u8; 3]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&colour.repeat((side * side) as usize)).unwrap();
}

/// Width and height of a picture, and whether it has a pixel that is not grey.
fn look(path: &Path) -> (usize, usize, bool) {
    let (width, height, pixels) = pixels(path);
    (width, height, pixels.iter().any(|[red, green, _]| red != green))
}

mod images {
    use super::*;

    const TRAIN: &str = "train --dataset images --data-dir data --dim 2 --seed 1";

    /// Ten red and ten blue squares.
    fn squares() -> Workplace {
        let place = Workplace::new();
        fs::create_dir(place.path("data")).unwrap();
        for i in 0..20 {
            let colour = if i % 2 == 0 { [230, 20, 20] } else { [20, 20, 230] };
            write_png(&place.path(format!("data/{i:02}.png")), 12, colour);
        }
        place
    }

    #[test]
    fn a_training_on_coloured_images_is_resumed_and_sampled_from() {
        let place = squares();
        place.run(&format!("{TRAIN} --size 8 --batch 8 --steps 4 --out whole"));
        place.run(&format!("{TRAIN} --size 8 --batch 8 --steps 2 --out run"));
        place.run("train --resume run --steps 4");
        assert_same_weights(&place, "run", "whole");
        // Eight images of 8 pixels, twice as large, and the gaps between.
        assert_eq!(look(&place.path("run/samples/step-000004.png")), (146, 146, true));
        // 32 of them, each with three neighbours, in four groups a row.
        let sheet = (2 + 16 * 18 + 3 * 14, 2 + 8 * 18, true);
        assert_eq!(look(&place.path("run/neighbours.png")), sheet);
        let page = text(place.bytes("run/report.html"));
        assert!(page.contains("<h2 id=\"neighbours-title\">"), "{page}");
        place.run("sample --run run --count 3 --out samples.npy");
        assert_eq!(shape(&place.bytes("samples.npy")), "(3, 3, 8, 8,)");
        place.run("sample --run run --count 4 --grid neighbours --out neighbours.png");
        // Two levels of 8 pixels would have no room for patches.
        let table = text(place.run("eval --run run --samples 20").stdout);
        assert!(table.starts_with("images after 4 steps") && table.contains("\npatch distance at 8×8 "), "{table}");
        assert!(text(place.bytes("run/report.html")).contains("<th>recall</th>"));
        insta::assert_snapshot!(
            place.complaint("eval --run run --classifier some.safetensors", 2),
            @"error: dataset = images is not possible: classifiers know the classes of IDX files alone"
        );
    }

    #[test]
    fn grey_images_of_any_size_are_learned() {
        let place = squares();
        place.run(&format!("{TRAIN} --colour grey --size 9 --batch 8 --steps 1 --out run"));
        assert_eq!(look(&place.path("run/samples/step-000001.png")), (162, 162, false));
    }

    #[test]
    fn a_training_goes_on_without_what_cannot_be_used_and_says_so() {
        let place = squares();
        fs::write(place.path("data/05.png"), "no image").unwrap();
        fs::write(place.path("data/moving.gif"), "GIF89a").unwrap();
        let train = format!("{TRAIN} --skip-bad --size 16 --batch 8 --steps 1 --out data/run");
        let read = "19 images to train on, 0 held out; left out: 1 GIF image, 1 image that cannot be used";
        let told = text(place.run(&train).stderr);
        assert!(told.starts_with("data: ") && told.contains(read), "{told}");
        assert!(told.contains("\n  05.png: this is neither a PNG nor a JPEG image\n"), "{told}");
        assert!(told.contains("19 of the 19 images in ") && told.contains(" are smaller than --size 16"), "{told}");
        let page = text(place.bytes("data/run/report.html"));
        assert!(page.contains(read) && page.contains("05.png: this is neither"), "{page}");
        // Nobody learns from the run's own pictures, and a resume from the same images.
        let told = text(place.run("--resume data/run --steps 2").stderr);
        let left_out = "left out: 1 GIF image, 1 folder of results of wgan, 1 image that cannot be used";
        assert!(told.contains(left_out), "{told}");
    }

    #[test]
    fn the_names_of_files_do_not_reach_the_terminal_raw() {
        let place = squares();
        fs::write(place.path("data/\u{1b}[31m.png"), "no image").unwrap();
        let told = place.complaint(&format!("{TRAIN} --size 8 --batch 8"), 2);
        assert!(told.contains(r"data/\u{1b}[31m.png: this is neither"), "{told}");
        let [data, run] = ["\u{1b}[2J", "r\u{9b}\u{202e}\u{301}"];
        fs::rename(place.path("data"), place.path(data)).unwrap();
        let train = format!("--dataset images --arch mlp --dim 8 --skip-bad --data-dir {data} --size 16 --batch 8");
        let output = place.run(&format!("{train} --steps 1 --out {run}"));
        let told = text(output.stderr) + &text(output.stdout);
        assert!(told.contains(r"/\u{1b}[2J: 19 images") && told.contains("20 images in"), "{told}");
        assert!(!told.contains(|c: char| c.is_control() && c != '\n'), "{told}");
        assert!(told.ends_with("done; the results are in r\\u{9b}\\u{202e}\u{301}\n"), "{told}");
        let told = text(place.command(&format!("{train} --out {run}")).output().unwrap().stderr);
        assert!(told.contains("\nerror: r\\u{9b}\\u{202e}\u{301} is not empty"), "{told}");
    }

    #[test]
    fn what_cannot_be_learned_is_told() {
        let place = squares();
        insta::assert_snapshot!(place.complaint(&format!("{TRAIN} --size 8"), 2), @"error: batch = 32 is not possible: [folder]/data has only 19 samples to train on");
        insta::assert_snapshot!(place.complaint(&format!("{TRAIN} --size 4 --batch 8"), 2), @"error: size = 4 is not possible: it must be from 8 to 256");
        insta::assert_snapshot!(place.complaint("--dataset images", 2), @"error: dataset = images is not possible: --data-dir must name the folder that they are in");
        insta::assert_snapshot!(place.complaint("--size 64", 2), @"error: --size has no place here: it is for --dataset images");
        fs::write(place.path("data/05.png"), "no image").unwrap();
        insta::assert_snapshot!(place.complaint(&format!("{TRAIN} --size 8 --batch 8"), 2), @"error: [folder]/data/05.png: this is neither a PNG nor a JPEG image; --skip-bad goes on without it");
        fs::create_dir(place.path("empty")).unwrap();
        insta::assert_snapshot!(place.complaint("--dataset images --data-dir empty", 2), @"error: [folder]/empty is empty: name the folder that the data are in");
        insta::assert_snapshot!(place.complaint("--dataset images --data-dir dat", 2), @"error: [folder]/dat does not exist; did you mean [folder]/data?");
        insta::assert_snapshot!(place.complaint("--data-dir data", 2), @"error: [folder]/data holds no file of images: looked for train-images-idx3-ubyte, raw or .gz, there and in MNIST/raw; to learn the PNG and JPEG images in it, add --dataset images");
        insta::assert_snapshot!(place.complaint("--data-dir data/00.png", 2), @"error: [folder]/data/00.png is a file: name the folder that it is in");
        insta::assert_snapshot!(place.complaint("--skip-bad", 2), @"error: --skip-bad has no place here: it is for --dataset images");
        assert!(!place.path("runs").exists());
    }
}

mod points {
    use super::*;

    /// 20 clusters on a circle, one after the other in the file: the held-out points are of all of them.
    #[test]
    fn a_file_sorted_by_cluster_is_learned_as_a_whole() {
        let place = file("sorted.csv", |i| {
            let angle = (i / 5.0).floor() * 0.3141;
            format!("{},{}", angle.cos(), angle.sin())
        });
        place.run(&format!("--dataset points --data-file sorted.csv {TINY} --steps 1 --out run"));
        let told = text(place.run("eval --run run --samples 50").stdout);
        let real = told.lines().find(|line| line.starts_with("Wasserstein distance")).unwrap();
        let real: f64 = real.split_whitespace().last().unwrap().parse().unwrap();
        // Between halves of a circle in order it would be above 1.
        assert!(real < 0.6, "{told}");
    }

    /// Options of a training of a second or less.
    const TINY: &str = "--dim 8 --batch 16 --critic-steps 2";

    /// A file of 100 points, on a line or around (50, 0).
    fn file(name: &str, point: fn(f32) -> String) -> Workplace {
        let place = Workplace::new();
        let lines: Vec<String> = (0..100).map(|i| point(i as f32)).collect();
        fs::write(place.path(name), lines.join("\n")).unwrap();
        place
    }

    #[test]
    fn a_training_on_numbers_is_resumed_and_sampled_from() {
        let place = file("ages.csv", |i| format!("{}", (i / 16.0).sin()));
        let train = format!("--dataset numbers --data-file ages.csv {TINY}");
        place.run(&format!("{train} --steps 4 --out whole"));
        place.run(&format!("{train} --steps 2 --out run"));
        place.run("--resume run --steps 4");
        assert_same_weights(&place, "run", "whole");
        assert_eq!(look(&place.path("run/samples/step-000004.png")), (800, 600, true));
        place.run("sample --run run --count 7 --out samples.npy");
        assert_eq!(shape(&place.bytes("samples.npy")), "(7, 1,)");
        place.run("sample --run run --out samples.png");
        assert_eq!(look(&place.path("samples.png")), (800, 300, true));
        let table = text(place.run("eval --run run --samples 50").stdout);
        assert!(table.starts_with("numbers after 4 steps") && table.contains("\nWasserstein distance"), "{table}");
    }

    #[test]
    fn a_number_without_others_is_learned_but_not_measured() {
        let place = Workplace::new();
        fs::write(place.path("one.csv"), "0.5").unwrap();
        let train = "--dataset numbers --data-file one.csv --dim 8 --batch 1 --steps 1 --out run";
        let told = text(place.run(train).stderr);
        let warning = told.lines().find(|line| line.starts_with("warning: step 1: the samples cannot be measured: "));
        assert!(warning.is_some_and(|line| line.ends_with("one.csv: its samples are too few to compare others with")));
        insta::assert_snapshot!(
            place.complaint("eval --run run", 2),
            @"error: [folder]/one.csv: its samples are too few to compare others with"
        );
    }

    #[test]
    fn points_far_from_unit_scale_are_learned_with_a_warning() {
        let place = file("far.csv", |i| format!("{};{}", 500.0 + 20.0 * i.sin(), 20.0 * i.cos()));
        let told = text(place.run(&format!("--dataset points --data-file far.csv {TINY} --steps 1 --out run")).stderr);
        let expected = "far.csv are of about 350 (root mean square)";
        assert!(told.contains("\nwarning: the numbers in ") && told.contains(expected), "{told}");
        assert_eq!(look(&place.path("run/samples/step-000001.png")), (640, 640, true));
    }

    #[test]
    fn what_cannot_be_learned_is_told() {
        let place = file("two.csv", |i| format!("{i} {i}"));
        insta::assert_snapshot!(place.complaint("--dataset numbers --data-file two.csv", 2), @"error: [folder]/two.csv: line 1: 2 numbers, but one is needed; learn points of the plane with --dataset points, and write 1.5, not 1,5");
        insta::assert_snapshot!(place.complaint("--dataset points --data-file .", 2), @"error: [folder]: this is a folder; name a file of numbers in it");
        insta::assert_snapshot!(place.complaint("--dataset points --data-file two.csv", 2), @"error: batch = 256 is not possible: [folder]/two.csv has only 95 samples to train on");
        insta::assert_snapshot!(place.complaint("--dataset points --data-file one.csv", 2), @"error: cannot read [folder]/one.csv: No such file or directory (os error 2)");
        insta::assert_snapshot!(place.complaint("--dataset points", 2), @"error: dataset = points is not possible: --data-file must name the file that they are in");
        insta::assert_snapshot!(place.complaint("--dataset points --data-dir .", 2), @"error: dataset = points is not possible: --data-file must name the file that they are in");
        insta::assert_snapshot!(place.complaint("--data-file two.csv", 2), @"error: --data-file has no place here: only points and numbers are in a file");
    }
}
