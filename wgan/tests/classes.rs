//! Trainings that tell classes apart, from labels and folders to samples of one class.

mod workplace;

use std::fs;
use std::path::Path;

use wgan::eval::{Evaluation, Measures};
use wgan::run::metadata::Metadata;
use workplace::{Workplace, pixels, text};

/// A training of a second or less.
const FOLDERS: &str = "train --dataset images --data-dir data --conditional --colour grey --size 8 --batch 8 --seed 1";
const DIGITS: &str = "train --conditional --arch mlp-small --critic-steps 1 --batch 16 --steps 2 --out run";

/// Writes a grey square as a PNG file.
fn write_png(path: &Path, grey: u8) {
    let encoder = png::Encoder::new(fs::File::create(path).unwrap(), 8, 8);
    encoder.write_header().unwrap().write_image_data(&[grey; 64]).unwrap();
}

/// Two folders of ten images each, `dark` and, one folder deeper, `light`.
fn folders() -> Workplace {
    let place = Workplace::new();
    for (folder, grey) in [("dark", 30), ("light/deeper", 220)] {
        let folder = place.path("data").join(folder);
        fs::create_dir_all(&folder).unwrap();
        (0..10).for_each(|i| write_png(&folder.join(format!("{i}.png")), grey + i));
    }
    place
}

/// The numbers in an `.npy` file.
fn numbers(file: &[u8]) -> Vec<f32> {
    let header = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    file[header..].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// The mean brightness of 50 samples of a class.
fn brightness(place: &Workplace, class: &str) -> f32 {
    place.run(&format!("sample --run run --class {class} --count 50 --out {class}.npy"));
    let numbers = numbers(&place.bytes(&format!("{class}.npy")));
    assert_eq!(numbers.len(), 50 * 64);
    numbers.iter().sum::<f32>() / numbers.len() as f32
}

mod images {
    use super::*;

    /// Dark and light squares are told apart under every architecture.
    #[test]
    fn of_each_folder_are_learned() {
        for networks in [
            "--arch mlp --dim 16",
            "--arch dcgan --dim 4",
            "--arch dcgan --generator mlp --dim 4",
            "--arch infogan --dim 4",
        ] {
            let place = folders();
            place.run(&format!("{FOLDERS} {networks} --lr 5e-3 --average 0.9 --steps 150 --out run"));
            let [dark, light] = ["dark", "light"].map(|class| brightness(&place, class));
            // They are 0.14 and 0.88.
            assert!(dark < 0.35 && light > 0.65, "{networks}: {dark} {light}");
        }
    }

    #[test]
    fn have_a_row_for_each_class_while_they_are_learned_and_afterwards() {
        let place = folders();
        place.run(&format!("{FOLDERS} --dim 2 --steps 4 --out whole"));
        place.run(&format!("{FOLDERS} --dim 2 --steps 2 --out run"));
        place.run("train --resume run --steps 4");
        for file in ["generator.safetensors", "checkpoint.safetensors", "samples/step-000004.png"] {
            assert!(place.bytes(&format!("run/{file}")) == place.bytes(&format!("whole/{file}")), "{file}");
        }
        let metadata = Metadata::read(&place.path("run/generator.safetensors")).unwrap();
        let classes: Vec<(&str, usize)> =
            metadata.classes.iter().map(|class| (class.name.as_str(), class.count)).collect();
        assert!(matches!(classes[..], [("dark", 9 | 10), ("light", 9 | 10)]), "{classes:?}"); // one of 20 is held out
        place.run("sample --run run --grid classes --seed 1 --out rows.png");
        assert!(place.bytes("rows.png") == place.bytes("run/samples/step-000004.png"));
        let (width, height, _) = pixels(&place.path("rows.png"));
        assert_eq!((width, height), (2 + 10 * 18, 2 + 2 * 18));
        let page = text(place.bytes("run/report.html"));
        assert!(page.contains("19 images to train on, 1 held out, of 2 classes"), "{page}");
        assert!(page.contains("A row for each class: dark, light.") && page.contains("--grid"), "{page}");
        // Nothing is asked of a classifier that does not know them.
        let table = text(place.run("eval --run run --samples 20").stdout);
        assert!(!table.contains("as asked"), "{table}");
        for grid in ["interpolation", "walk", "neighbours"] {
            place.run(&format!("sample --run run --class light --count 4 --grid {grid} --out {grid}.png"));
        }
        place.run("sample --checkpoint run/checkpoint.safetensors --class light --count 4 --out light/");
    }

    #[test]
    fn of_other_classes_do_not_resume_a_run() {
        let place = folders();
        place.run(&format!("{FOLDERS} --dim 2 --steps 2 --out run"));
        fs::rename(place.path("data/light"), place.path("data/bright")).unwrap();
        insta::assert_snapshot!(
            place.complaint("train --resume run --steps 4", 2),
            @"error: [folder]/data: its classes are bright, dark, but the run has learned dark, light; put its data back as they were"
        );
    }

    #[test]
    fn without_classes_are_told() {
        let place = folders();
        let told = || place.complaint(&format!("{FOLDERS} --out run"), 2);
        fs::create_dir(place.path("data/empty")).unwrap();
        fs::create_dir(place.path("data/.hidden")).unwrap();
        insta::assert_snapshot!(told(), @"error: [folder]/data holds no images in empty, which would be a class; fill or remove it");
        fs::remove_dir(place.path("data/empty")).unwrap();
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::ffi::OsStrExt;
            let name = std::ffi::OsStr::from_bytes(b"caf\xe9"); // in Latin-1
            fs::create_dir(place.path("data").join(name)).unwrap();
            insta::assert_snapshot!(told(), @"error: [folder]/data holds the folder caf�, whose name is no text; rename it");
            fs::remove_dir(place.path("data").join(name)).unwrap();
        }
        write_png(&place.path("data/loose.png"), 0);
        insta::assert_snapshot!(told(), @"error: [folder]/data holds images beside folders, as loose.png, which are of no class; move each into one of them");
        fs::remove_file(place.path("data/loose.png")).unwrap();
        fs::remove_dir_all(place.path("data/dark")).unwrap();
        insta::assert_snapshot!(told(), @"error: [folder]/data: all of its samples are of the class light, so there is nothing to tell apart; leave --conditional out");
        (0..256).for_each(|i| fs::create_dir(place.path(format!("data/{i}"))).unwrap());
        insta::assert_snapshot!(told(), @"error: [folder]/data holds 257 folders, which would be classes, but no more than 256 can be");
        fs::remove_dir_all(place.path("data")).unwrap();
        fs::create_dir(place.path("data")).unwrap();
        (0..20).for_each(|i| write_png(&place.path(format!("data/{i}.png")), i));
        insta::assert_snapshot!(told(), @"error: [folder]/data holds no folders, whose names would be the classes; leave --conditional out");
        assert!(!place.path("run").exists());
    }
}

mod digits {
    use super::*;

    /// Two steps teach nothing, so one in ten is as asked by luck; real digits are what their labels say.
    #[test]
    fn are_asked_for_and_looked_at() {
        let place = Workplace::new();
        place.run(DIGITS);
        let table = text(place.run("eval --run run --samples 500").stdout);
        assert!(table.contains("\ndigit as asked ") && table.contains("takes for the class asked for"), "{table}");
        let Measures::Images(measures) = Evaluation::read(&place.path("run/eval.json")).unwrap().measures else {
            panic!("these are images")
        };
        let [made, real] = [measures.generated, measures.real].map(|images| images.classifier.unwrap().agreement);
        assert!(made.unwrap() < 0.3 && real.unwrap() > 0.97, "{table}");
        assert!(text(place.bytes("run/report.html")).contains("<th>digit as asked</th>"));
        // Samples as mixed as the data, the first ones the same for any number of them.
        place.run("sample --run run --count 20 --out some.npy");
        place.run("sample --run run --count 70 --out more.npy");
        let [some, more] = ["some.npy", "more.npy"].map(|file| numbers(&place.bytes(file)));
        assert_eq!(some, more[..some.len()]);
    }

    #[test]
    fn of_classes_that_there_are_not_are_told() {
        let place = Workplace::new();
        place.run(DIGITS);
        insta::assert_snapshot!(place.complaint("sample --run run --class seven --out a.png", 2), @"error: class = seven is not possible: the classes are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
        insta::assert_snapshot!(place.complaint("sample --run run --class 7 --grid classes --out a.png", 2), @"error: --class has no place here: --grid classes shows all of them");
        place.run("train --arch mlp-small --critic-steps 1 --batch 16 --steps 1 --out plain");
        insta::assert_snapshot!(place.complaint("sample --run plain --class 7 --out a.png", 2), @"error: --class has no place here: the run was trained without --conditional");
        insta::assert_snapshot!(place.complaint("sample --run plain --grid classes --out a.png", 2), @"error: grid = classes is not possible: the run was trained without --conditional, so there are no classes");
        assert!(!place.path("a.png").exists());
    }
}

mod idx_files {
    use super::*;

    /// 40 images as raw IDX files, with these labels.
    fn write(place: &Workplace, labels: &[u8]) {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        fs::create_dir_all(place.path("data")).unwrap();
        let pixels = (0..40 * 784).map(|i| (i * 7 % 251) as u8).collect::<Vec<u8>>();
        let images = [words(&[0x0803, 40, 28, 28]), pixels].concat();
        fs::write(place.path("data/train-images-idx3-ubyte"), images).unwrap();
        let labels = [words(&[0x0801, labels.len() as u32]), labels.to_vec()].concat();
        fs::write(place.path("data/train-labels-idx1-ubyte"), labels).unwrap();
    }

    const TRAIN: &str = "train --conditional --data-dir data --arch mlp-small --critic-steps 1 --batch 8 --steps 1";

    /// As those of EMNIST's letters, labels need not begin with 0, nor have no gaps.
    #[test]
    fn have_the_classes_of_their_labels() {
        let place = Workplace::new();
        write(&place, &[1, 26, 9, 9].repeat(10));
        place.run(&format!("{TRAIN} --out run"));
        let classes = Metadata::read(&place.path("run/checkpoint.safetensors")).unwrap().classes;
        assert!(classes.iter().map(|class| class.name.as_str()).eq(["1", "9", "26"]), "{classes:?}");
        place.run("sample --run run --class 26 --count 3 --out z.png");
    }

    #[test]
    fn that_do_not_fit_are_told() {
        let place = Workplace::new();
        let told = || place.complaint(TRAIN, 2);
        write(&place, &[0, 1, 2].repeat(13));
        insta::assert_snapshot!(told(), @"error: [folder]/data: 40 images, but 39 labels");
        write(&place, &[7; 40]);
        insta::assert_snapshot!(told(), @"error: mnist: all of its samples are of the class 7, so there is nothing to tell apart; leave --conditional out");
        write(&place, &[0, 1].repeat(20));
        let file = place.path("data/train-labels-idx1-ubyte");
        fs::write(&file, &fs::read(&file).unwrap()[..30]).unwrap();
        insta::assert_snapshot!(told(), @"error: [folder]/data/train-labels-idx1-ubyte: the file is cut off within its 40 labels, 22 bytes");
        fs::remove_file(file).unwrap();
        insta::assert_snapshot!(told(), @"error: [folder]/data holds no file of labels, which --conditional needs: looked for train-labels-idx1-ubyte, raw or .gz, there and in MNIST/raw");
    }
}

mod points {
    use super::*;

    /// Gaussian 0 is at (√2, 0), 2 at (0, √2), 4 opposite to 0; half a minute of training would hit them all.
    #[test]
    fn of_each_gaussian_are_learned() {
        let place = Workplace::new();
        let train = "--dataset 8gaussians --conditional --dim 64 --lr 2e-3 --batch 64 --critic-steps 3";
        place.run(&format!("{train} --average 0.9 --steps 300 --out run"));
        let mean = |class: &str| {
            place.run(&format!("sample --run run --class {class} --count 200 --out {class}.npy"));
            let points = numbers(&place.bytes(&format!("{class}.npy")));
            [0, 1].map(|axis| points.iter().skip(axis).step_by(2).sum::<f32>() / 200.0)
        };
        for (class, centre) in [("0", [1.41, 0.0]), ("2", [0.0, 1.41]), ("4", [-1.41, 0.0])] {
            let [x, y] = mean(class);
            assert!((x - centre[0]).hypot(y - centre[1]) < 0.5, "class {class}: {x} {y}");
        }
        place.run("sample --run run --out all.png");
    }

    #[test]
    fn without_classes_are_told() {
        let place = Workplace::new();
        insta::assert_snapshot!(place.complaint("--dataset swissroll --conditional", 2), @"error: --conditional has no place here: these points have no classes");
        insta::assert_snapshot!(place.complaint("--dataset points --data-file a.csv --conditional", 2), @"error: --conditional has no place here: these points have no classes");
    }
}
