//! What becomes of a trained generator: `wgan eval`, the grids of `wgan sample`, `wgan train-classifier`.

mod workplace;

use std::fs;
use std::path::Path;

use autograd::{Tensor, Variable};
use safetensors::SafeTensors;
use wgan::eval::{Comparison, Evaluation, ImageMeasures, Measures, PointMeasures};
use workplace::{Workplace, pixels, text};

/// With a run in the folder `run`, of a step or two.
fn with_run(args: &str) -> Workplace {
    let place = Workplace::new();
    place.run(&format!("train --steps=2 --critic-steps=1 --batch=16 --out=run {args}"));
    place
}

/// The table that `wgan eval` prints.
fn evaluate(place: &Workplace, args: &str) -> String {
    text(place.run(&format!("eval --run run {args}")).stdout)
}

fn images(place: &Workplace) -> Comparison<ImageMeasures> {
    match Evaluation::read(&place.path("run/eval.json")).unwrap().measures {
        Measures::Images(images) => images,
        Measures::Points(_) => panic!("these are images"),
    }
}

fn points(place: &Workplace) -> Comparison<PointMeasures> {
    match Evaluation::read(&place.path("run/eval.json")).unwrap().measures {
        Measures::Points(points) => points,
        Measures::Images(_) => panic!("these are points"),
    }
}

const POINTS: &str = "--dataset=8gaussians --dim=16";
const IMAGES: &str = "--arch=mlp-small";

/// The image in a place of a grid: 28×28 pixels at twice the size, 2 pixels between them.
fn cell(path: &Path, row: usize, column: usize) -> Vec<u8> {
    let (width, _, pixels) = pixels(path);
    let at = |y: usize, x: usize| pixels[(2 + row * 58 + 2 * y) * width + 2 + column * 58 + 2 * x][0];
    (0..28 * 28).map(|i| at(i / 28, i % 28)).collect()
}

/// The pixels agree but for rounding.
fn assert_alike(a: &[u8], b: &[u8]) {
    let far = a.iter().zip(b).map(|(x, y)| x.abs_diff(*y)).max().unwrap();
    assert!(a.len() == b.len() && far <= 1, "{far} apart");
}

/// A folder of raw IDX files with `train` and `test` images, each as grey as its place says, of ten classes.
fn write_data(folder: &Path, train: u32, test: u32) {
    fs::create_dir(folder).unwrap();
    for (part, count) in [("train", train), ("t10k", test)].into_iter().filter(|(_, count)| *count > 0) {
        let header = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let pixels = (0..count * 784).map(|i| (i * 7 % 251) as u8).collect::<Vec<u8>>();
        let images = [header(&[0x0803, count, 28, 28]), pixels].concat();
        let labels = [header(&[0x0801, count]), (0..count).map(|i| (i % 10) as u8).collect()].concat();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

mod eval {
    use super::*;

    #[test]
    fn measures_points_beside_real_ones() {
        let place = with_run(POINTS);
        let table = evaluate(&place, "--samples 300");
        assert!(table.starts_with("8gaussians after 2 steps, samples of seed 0\n"), "{table}");
        let Comparison { reference, generated, real, .. } = points(&place);
        assert_eq!((reference, generated.samples, real.samples, generated.paired), (300, 300, 300, 300));
        // Two steps teach nothing; the data know themselves.
        assert_eq!(real.coverage.unwrap().0.covered, 8);
        assert!(generated.wasserstein > 2.0 * real.wasserstein, "{table}");
        assert!(generated.sliced_wasserstein > 2.0 * real.sliced_wasserstein, "{table}");
        assert!(!place.path("run/neighbours.png").exists());
    }

    #[test]
    fn measures_images_beside_real_ones() {
        let place = with_run(IMAGES);
        let table = evaluate(&place, "--samples 200");
        assert!(table.contains("share of digit 9"), "{table}");
        let Comparison { reference, test_set, generated, real } = images(&place);
        assert_eq!((reference, test_set, generated.samples, real.samples), (9800, false, 200, 200));
        let [made, told] = [&generated, &real].map(|images| images.classifier.as_ref().unwrap());
        assert!(made.frechet_distance > 5.0 * told.frechet_distance && made.score < told.score, "{table}");
        assert!((made.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(generated.precision < real.precision && generated.recall < real.recall, "{table}");
        for (made, real) in generated.patch_distances.iter().zip(&real.patch_distances) {
            assert!(made.distance > 3.0 * real.distance && (made.height, made.width) == (real.height, real.width));
        }
        assert!(
            table.contains("\npatch distance at 14×14 ") && table.contains("by the classifier's features"),
            "{table}"
        );
        // 32 samples with three neighbours each, four of these groups in a row.
        let (width, height, _) = pixels(&place.path("run/neighbours.png"));
        assert_eq!((width, height), (2 + 16 * 58 + 3 * 14, 2 + 8 * 58));
    }

    #[test]
    fn gives_the_same_bytes_again_and_others_for_another_seed() {
        let place = with_run(POINTS);
        let written = |args: &str| {
            evaluate(&place, &format!("--samples 100 {args}"));
            place.bytes("run/eval.json")
        };
        let first = written("");
        assert_eq!(written(""), first);
        assert_ne!(written("--seed 1"), first);
    }

    /// The run knows where its data were; they may have moved since. A test set is measured in place of training images.
    #[test]
    fn finds_the_data_of_the_run_or_where_they_are_said_to_be() {
        let place = Workplace::new();
        write_data(&place.path("data"), 200, 50);
        place.run("train --steps=1 --critic-steps=1 --batch=16 --arch=mlp-small --data-dir=data --out=run");
        evaluate(&place, "--samples 40");
        let Comparison { reference, test_set, generated, real } = images(&place);
        assert_eq!((reference, test_set, generated.samples, real.samples), (200, true, 40, 40));

        fs::rename(place.path("data"), place.path("moved")).unwrap();
        let complaint = place.complaint("eval --run run --samples 40", 2);
        assert!(complaint.ends_with("data does not exist"), "{complaint}");
        evaluate(&place, "--samples 60 --data-dir moved");
        assert_eq!(images(&place).real.samples, 50);
    }

    /// Weights and settings are all that is measured; the page wants the run's other files, too.
    #[test]
    fn prints_its_table_even_where_the_page_cannot_be_renewed() {
        let place = with_run(POINTS);
        fs::remove_file(place.path("run/metrics.csv")).unwrap();
        let output = place.command("eval --run run --samples 50").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let [table, complaint] = [output.stdout, output.stderr].map(text);
        assert!(table.starts_with("8gaussians after 2 steps"), "{table}");
        assert_eq!(complaint, "error: cannot read run/metrics.csv: No such file or directory (os error 2)\n");
    }

    #[test]
    fn needs_a_run() {
        let complaint = Workplace::new().complaint("eval --run .", 2);
        assert!(complaint.starts_with("error: . holds no checkpoint.safetensors"), "{complaint}");
    }

    #[test]
    fn refuses_what_points_have_no_use_for() {
        let place = with_run(POINTS);
        insta::assert_snapshot!(
            place.complaint("eval --run run --classifier some.safetensors", 2),
            @"error: --classifier has no place here: the samples are points, which have no classes"
        );
        insta::assert_snapshot!(
            place.complaint("eval --run run --data-dir .", 2),
            @"error: --data-dir has no place here: only images are in a folder"
        );
    }

    /// A classifier of their own tells more of images that the embedded one does not know.
    #[test]
    fn measures_other_images_with_and_without_a_classifier() {
        let place = Workplace::new();
        write_data(&place.path("data"), 1100, 0);
        let train = "train --steps=1 --critic-steps=1 --batch=16 --arch=mlp-small --dataset=fashion-mnist";
        place.run(&format!("{train} --data-dir=data --out=run"));
        assert!(place.path("run/neighbours.png").is_file() && images(&place).generated.classifier.is_none());
        let table = evaluate(&place, "--samples 100");
        assert!(table.contains("patch distance at 28×28") && table.contains("as thumbnails of 8×8 pixels"), "{table}");
        assert!(!table.contains("class"), "{table}");
        assert_eq!((images(&place).generated.samples, images(&place).reference), (100, 100));
        let told = text(place.run("train-classifier --data-dir data --steps 2").stdout);
        assert!(told.ends_with("% of 1000 held-out images; the weights are in classifier.safetensors\n"), "{told}");
        let table = evaluate(&place, "--samples 100 --classifier classifier.safetensors");
        assert!(table.contains("share of class 9"), "{table}");
    }

    #[test]
    fn needs_enough_images_to_compare() {
        let place = Workplace::new();
        write_data(&place.path("data"), 7, 0);
        let output = place.run("train --steps=1 --critic-steps=1 --batch=4 --arch=mlp-small --data-dir=data --out=run");
        let told = text(output.stderr);
        let problem = "its samples are too few to compare others with";
        assert!(told.contains("warning: step 1: the samples cannot be measured: ") && told.contains(problem), "{told}");
        assert!(place.complaint("eval --run run", 2).ends_with(problem));
        let complaint = place.complaint("eval --run run --samples 3", 2);
        assert!(complaint.contains("3 is not in 4..=100000"), "{complaint}");
    }
}

mod grids {
    use super::*;

    /// Each row begins and ends with a sample of the plain grid.
    #[test]
    fn interpolations_lead_from_sample_to_sample() {
        let place = with_run(IMAGES);
        place.run("sample --run run --out plain.png");
        place.run("sample --run run --grid interpolation --count 20 --out way.png");
        let [plain, way] = ["plain.png", "way.png"].map(|name| place.path(name));
        let (width, height, _) = pixels(&way);
        assert_eq!((width, height), (2 + 8 * 58, 2 + 3 * 58)); // 20 images fill three rows
        for row in 0..3 {
            assert_alike(&cell(&way, row, 0), &cell(&plain, 0, 2 * row));
            assert_alike(&cell(&way, row, 7), &cell(&plain, 0, 2 * row + 1));
            assert_ne!(cell(&way, row, 3), cell(&way, row, 0));
        }
    }

    #[test]
    fn digits_have_a_row_each() {
        let place = with_run(IMAGES);
        place.run("sample --run run --grid digits --count 30 --out digits.png");
        let (width, height, _) = pixels(&place.path("digits.png"));
        assert_eq!((width, height), (2 + 3 * 58, 2 + 10 * 58));
    }

    #[test]
    fn neighbours_are_training_images() {
        let place = with_run(IMAGES);
        place.run("sample --run run --grid neighbours --count 5 --out near.png");
        place.run("sample --run run --count 5 --out plain.png");
        let (width, height, _) = pixels(&place.path("near.png"));
        assert_eq!((width, height), (2 + 16 * 58 + 3 * 14, 2 + 2 * 58));
        assert_alike(&cell(&place.path("near.png"), 0, 0), &cell(&place.path("plain.png"), 0, 0));
    }

    /// Six samples, sixteen pictures from each to the next, and round again: the first is the plain grid of the first samples.
    #[test]
    fn a_walk_moves_through_samples() {
        for (run, shape) in [(IMAGES, "--count 5"), ("--arch=mlp --dim=8", "")] {
            let place = with_run(run);
            place.run(&format!("sample --run run --grid walk {shape} --out walk.png"));
            let file = std::io::BufReader::new(fs::File::open(place.path("walk.png")).unwrap());
            let mut reader = png::Decoder::new(file).read_info().unwrap();
            let animation = reader.info().animation_control.unwrap();
            assert_eq!((animation.num_frames, animation.num_plays), (96, 0));
            let mut frame = || {
                let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
                reader.next_frame(&mut bytes).unwrap();
                bytes
            };
            let frames: Vec<Vec<u8>> = (0..96).map(|_| frame()).collect();
            place.run(&format!("sample --run run --count {} --out plain.png", if shape.is_empty() { 16 } else { 5 }));
            let plain: Vec<u8> = pixels(&place.path("plain.png")).2.into_iter().flatten().collect();
            assert_alike(&frames[0], &plain);
            // No step is a leap, neither the one back to the start.
            let change = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
            let steps: Vec<f64> = (0..96).map(|i| change(&frames[i], &frames[(i + 1) % 96])).collect();
            let mean = steps.iter().sum::<f64>() / 96.0;
            assert!(steps.iter().all(|&step| step > 0.0 && step < 3.0 * mean), "{steps:?}");
        }
    }

    #[test]
    fn are_refused_where_they_make_no_sense() {
        let points = with_run(POINTS);
        insta::assert_snapshot!(
            points.complaint("sample --run run --grid digits --out a.png", 2),
            @"error: grid = digits is not possible: the samples are points, not images"
        );
        let images = with_run(IMAGES);
        insta::assert_snapshot!(
            images.complaint("sample --run run --grid digits --out a.npy", 2),
            @"error: --grid has no place here: an array has no rows; name a .png"
        );
        insta::assert_snapshot!(
            images.complaint("sample --run run --data-dir . --out a.png", 2),
            @"error: --data-dir has no place here: only --grid neighbours looks at training images"
        );
        insta::assert_snapshot!(
            images.complaint("sample --run run --classifier c --out a.png", 2),
            @"error: --classifier has no place here: only --grid digits sorts samples by their class"
        );
        assert!(!images.path("a.png").exists() && !images.path("a.npy").exists());
    }
}

mod folders {
    use super::*;

    /// The names of the files in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    /// Each is as the picture of all shows it, in its own size.
    #[test]
    fn hold_a_picture_of_each_sample() {
        let place = with_run(IMAGES);
        place.run("sample --run run --count 520 --seed 3 --out made/of/samples/");
        let folder = place.path("made/of/samples");
        let expected: Vec<String> = (0..520).map(|i| format!("{i:04}.png")).collect();
        assert_eq!(names(&folder), expected);
        assert_eq!(names(&place.path("made/of")), ["samples"]);
        place.run("sample --run run --count 520 --seed 3 --out plain.png");
        for i in [0, 1, 22, 23, 519] {
            let (width, height, image) = pixels(&folder.join(format!("{i:04}.png")));
            assert_eq!((width, height), (28, 28));
            let grey: Vec<u8> = image.iter().map(|[red, ..]| *red).collect();
            assert_alike(&grey, &cell(&place.path("plain.png"), i / 23, i % 23));
        }
    }

    #[test]
    fn may_be_empty_but_not_hold_anything() {
        let place = with_run(IMAGES);
        fs::create_dir(place.path("empty")).unwrap();
        place.run("sample --run run --count 3 --out empty");
        assert_eq!(names(&place.path("empty")), ["0000.png", "0001.png", "0002.png"]);
        insta::assert_snapshot!(
            place.complaint("sample --run run --count 5 --out empty/", 2),
            @"error: out = empty/ is not possible: the folder is not empty; name another one"
        );
        assert_eq!(names(&place.path("empty")).len(), 3);
        fs::write(place.path("file"), "").unwrap();
        insta::assert_snapshot!(
            place.complaint("sample --run run --out file/", 2),
            @"error: out = file/ is not possible: there is a file of that name; name another folder"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run run --grid digits --out other/", 2),
            @"error: --grid has no place here: single images have no order; name a .png"
        );
        let complaint = with_run(POINTS).complaint("sample --run run --out some/", 2);
        assert_eq!(
            complaint,
            "error: out = some/ is not possible: the samples are points, not images; name a .npy or a .png"
        );
        assert_eq!(names(&place.path(".")), ["empty", "file", "run"]);
    }
}

mod weights {
    use super::*;

    /// Whatever a file of weights says of itself, the program answers with a sentence.
    #[test]
    fn made_up_settings_are_told() {
        let place = Workplace::new();
        for settings in [r#""dim":1000000000000"#, r#""dataset":"swissroll""#, r#""seed":18446744073709551615"#, ""] {
            let json = format!(r#"{{"format":1,"step":1,"settings":{{{settings}}}}}"#);
            let path = place.path("made-up.safetensors");
            nn::Checkpoint::new().save(&path, Some((wgan::run::metadata::METADATA_KEY, &json))).unwrap();
            let complaint = place.complaint("sample --checkpoint made-up.safetensors --out a.png", 2);
            assert!(complaint.starts_with("error: made-up.safetensors"), "{complaint}");
        }
    }

    /// The file in the first format, which had no checksum. `spoiled` is the beginning of a tensor's name, and what its
    /// numbers are made.
    fn make_old(path: &Path, spoiled: Option<(&str, f32)>) {
        let mut bytes = fs::read(path).unwrap();
        let (header_bytes, header) = SafeTensors::read_metadata(&bytes).unwrap();
        if let Some((name, number)) = spoiled {
            let name = header.offset_keys().into_iter().find(|other| other.starts_with(name)).unwrap();
            let (begin, end) = header.info(&name).unwrap().data_offsets;
            let numbers = &mut bytes[8 + header_bytes..][begin..end];
            numbers.as_chunks_mut().0.fill(number.to_le_bytes());
        }
        let mut metadata = header.metadata().clone().unwrap();
        metadata.remove("crc32").unwrap();
        metadata.values_mut().for_each(|json| *json = json.replace(r#""format":2"#, r#""format":1"#));
        let tensors = SafeTensors::deserialize(&bytes).unwrap().tensors();
        fs::write(path, safetensors::serialize(tensors, Some(metadata)).unwrap()).unwrap();
    }

    #[test]
    fn that_are_no_numbers_are_told() {
        let place = with_run(POINTS);
        make_old(&place.path("run/generator.safetensors"), Some(("generator.6.weight", f32::NAN)));
        let before = place.bytes("run/eval.json");
        for command in ["eval --run run", "sample --run run --out a.png"] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(
                    place.complaint(command, 2),
                    @r#"error: run/generator.safetensors: tensor "generator.6.weight" holds numbers that are not finite, so nothing can be made of it"#
                );
            }
        }
        assert_eq!(place.bytes("run/eval.json"), before);
    }

    #[test]
    fn with_an_infinite_average_are_not_trained_on() {
        let place = with_run(POINTS);
        make_old(&place.path("run/checkpoint.safetensors"), Some(("generator optimizer.", f32::INFINITY)));
        let complaint = place.complaint("train --resume run --steps 9", 2);
        assert!(
            complaint.starts_with("error: run/checkpoint.safetensors: tensor \"generator optimizer."),
            "{complaint}"
        );
        assert!(complaint.contains("not finite") && !complaint.contains("--lr"), "{complaint}");
    }

    /// Numbers may be finite, but so large that nothing made of them is. The file is named then, not the settings.
    #[test]
    fn that_are_too_large_are_told() {
        for (spoiled, number) in [
            ("generator in training.6.bias", -3e38),
            ("critic.1.weight", 3e38),
            ("critic optimizer.1.bias.exp_avg_sq", -1.0),
        ] {
            let place = with_run(POINTS);
            make_old(&place.path("run/checkpoint.safetensors"), Some((spoiled, number)));
            let complaint = place.complaint("train --resume run --steps 9", 1);
            assert!(complaint.contains("; the numbers in run/checkpoint.safetensors lead there: take"), "{complaint}");
            assert!(!complaint.contains("--lr"), "{complaint}");
        }
        let place = with_run(POINTS);
        make_old(&place.path("run/generator.safetensors"), Some(("generator.0.weight", 3e38)));
        for command in ["eval --run run", "sample --run run --out a.png", "sample --run run --out a.npy"] {
            let complaint = place.complaint(command, 2);
            let told = "error: run/generator.safetensors: the samples that its weights make are not all finite";
            assert!(complaint.starts_with(told), "{complaint}");
        }
        assert!(!place.path("a.png").exists() && !place.path("a.npy").exists());
    }

    #[test]
    fn of_the_first_format_are_still_used() {
        let place = with_run(POINTS);
        place.run("sample --run run --out new.npy");
        for file in ["run/checkpoint.safetensors", "run/generator.safetensors"] {
            make_old(&place.path(file), None);
        }
        place.run("sample --run run --out old.npy");
        assert_eq!(place.bytes("old.npy"), place.bytes("new.npy"));
        place.run("train --resume run --steps 9");
    }

    /// 70 bits all over the files, from the first to the last, in the way of every command that reads them.
    #[test]
    fn with_a_flipped_bit_are_refused() {
        let place = with_run(POINTS);
        for (file, commands) in [
            ("run/checkpoint.safetensors", ["train --resume run --steps 9", "sample --checkpoint FILE --out a.png"]),
            ("run/generator.safetensors", ["sample --run run --out a.png", "eval --run run"]),
        ] {
            let whole = place.bytes(file);
            let bits = (0..70).map(|i| i * (8 * whole.len() - 1) / 69).chain(8 * 40..8 * 60);
            for (i, bit) in bits.enumerate() {
                let mut damaged = whole.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                fs::write(place.path(file), damaged).unwrap();
                let complaint = place.complaint(&commands[i % 2].replace("FILE", file), 2);
                assert!(complaint.starts_with(&format!("error: {file}")) && complaint.len() < 400, "{complaint}");
            }
            fs::write(place.path(file), whole).unwrap();
        }
        place.run("train --resume run --steps 9");
    }

    /// The settings of a few kilobytes ask for 63 GB.
    #[test]
    fn of_another_size_than_their_settings_claim_take_no_memory() {
        let place = with_run(POINTS);
        let json = r#"{"format":2,"step":1,"settings":{"dataset":"images","size":256,"dim":1024}}"#;
        let made_up = nn::Checkpoint::new().with("generator.", [Variable::new("0.weight", Tensor::zeros([900]))]);
        made_up.save(&place.path("large"), Some((wgan::run::metadata::METADATA_KEY, json))).unwrap();
        insta::assert_snapshot!(
            place.complaint("sample --checkpoint large --out a.png", 2),
            @"error: large: by its settings the generator has 15738690563 weights, but it holds 900"
        );
    }
}

mod train_classifier {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_weights() {
        let place = Workplace::new();
        let train = |args: &str| {
            place.run(&format!("train-classifier --steps 3 {args} --out c.safetensors"));
            place.bytes("c.safetensors")
        };
        let first = train("");
        assert_eq!(train(""), first);
        assert_ne!(train("--seed 1"), first);
    }

    /// It would take hours, but is refused at once.
    #[test]
    fn needs_a_place_for_the_weights() {
        insta::assert_snapshot!(
            Workplace::new().complaint("train-classifier --steps 1000000 --out no/folder/c.safetensors", 1),
            @"error: cannot write no/folder/c.safetensors: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn needs_images_with_labels() {
        let place = Workplace::new();
        write_data(&place.path("data"), 20, 0);
        insta::assert_snapshot!(
            place.complaint("train-classifier --data-dir data", 2),
            @"error: data-dir = data is not possible: it has 20 images, of which 1000 would be held out"
        );
        fs::remove_file(place.path("data/train-labels-idx1-ubyte")).unwrap();
        insta::assert_snapshot!(
            place.complaint("train-classifier --data-dir data", 2),
            @"error: data holds no file of labels: looked for train-labels-idx1-ubyte, raw or .gz, there and in MNIST/raw"
        );
    }
}
