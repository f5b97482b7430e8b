//! Computations and generators as ONNX models. Where the variable ONNX_PYTHON names a Python with onnx and onnxruntime, models are
//! run by those (`check_onnx.py`) and compared; what stands in them is tested everywhere.

mod workplace;

use std::fs;
use std::path::Path;
use std::process::Command;

use autograd::ops::{Conv, Elementwise};
use autograd::{ByteTable, Feed, Stream, Tape, Tensor, Var, Variable};
use nn::Rng;
use rand::RngExt;
use wgan::{npy, onnx};
use workplace::{Workplace, text};

/// Results of a tape, by name.
type Results<'t> = Vec<(&'static str, Var<'t>)>;

/// Rows of a batch.
const BATCH: usize = 5;

/// Lets other programs check the model against the arrays in this folder, where there are such programs.
#[track_caller]
fn check(model: &Path, folder: &Path) {
    let Some(python) = std::env::var_os("ONNX_PYTHON") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check_onnx.py");
    let output = Command::new(python).arg(script).arg(model).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", text(output.stderr));
}

/// The model of a computation, checked against the interpreter with these inputs, which have BATCH rows.
#[track_caller]
fn checked(record: impl for<'t> Fn(&'t Tape, usize) -> Results<'t>, inputs: &[(&str, &Tensor)]) -> Vec<u8> {
    let model = onnx::model(&record).unwrap();
    let (tape, folder) = (Tape::new(), tempfile::tempdir().unwrap());
    let (names, results): (Vec<_>, Vec<Var>) = record(&tape, BATCH).into_iter().unzip();
    let values = tape.interpret(&results, Feed { inputs, step: 0 }).unwrap();
    for (name, value) in inputs.iter().copied().chain(names.into_iter().zip(&values)) {
        fs::write(folder.path().join(format!("{name}.npy")), npy::encode(value)).unwrap();
    }
    let path = folder.path().join("model.onnx");
    fs::write(&path, &model).unwrap();
    check(&path, folder.path());
    model
}

/// Numbers in `low..high`, the same for the same name.
fn random(name: &str, shape: &[usize], low: f64, high: f64) -> Tensor {
    let mut rng = Rng::new(0, name);
    Tensor::from_fn(shape, |_| rng.random_range(low..high) as f32)
}

/// How often each kind of node stands in a model: a word of ONNX, which stands there beside its number and length.
fn occurrences(model: &[u8], word: &str) -> usize {
    let field = [&[4 << 3 | 2, word.len() as u8], word.as_bytes()].concat(); // a text, the fourth field of a node
    model.windows(field.len()).filter(|window| *window == field).count()
}

/// The arguments of an elementwise operation as inputs, by their names.
fn arguments<'t>(tape: &'t Tape, op: Elementwise, batch: usize) -> Vec<Var<'t>> {
    (0..op.arguments().len()).map(|i| tape.input(&format!("{}_{i}", op.name()), [batch, 40])).collect()
}

#[test]
fn elementwise_operations_have_their_words_or_are_named() {
    let written = |op: Elementwise| onnx::model(|tape, batch| vec![("y", op.record(&arguments(tape, op, batch)))]);
    let (known, unknown): (Vec<Elementwise>, Vec<Elementwise>) =
        Elementwise::ALL.iter().partition(|op| written(**op).is_ok());
    assert_eq!(
        unknown.iter().map(|op| op.name()).collect::<Vec<_>>(),
        ["expm1", "log1p", "logaddexp", "atan2", "erfc"]
    );
    for op in unknown {
        let problem = written(op).unwrap_err();
        assert!(
            problem.to_string().starts_with(&format!("ONNX has no word for {} (recorded at ", op.name())),
            "{problem}"
        );
        assert_eq!(problem.exit_code(), 1);
    }

    let values: Vec<(String, Tensor)> = known
        .iter()
        .flat_map(|op| op.domain().into_iter().enumerate().map(move |(i, domain)| (op, i, domain)))
        .map(|(op, i, domain)| {
            let name = format!("{}_{i}", op.name());
            let values = random(&name, &[BATCH, 40], domain.start, domain.end);
            (name, values)
        })
        .collect();
    let inputs: Vec<(&str, &Tensor)> = values.iter().map(|(name, values)| (&**name, values)).collect();
    checked(
        |tape, batch| known.iter().map(|&op| (op.name(), op.record(&arguments(tape, op, batch)))).collect(),
        &inputs,
    );
}

/// Every other operation that has a word, with extents that depend on the batch wherever they may.
#[test]
fn other_operations_work_on_batches_of_any_size() {
    let (x, rows, images) = (
        random("x", &[BATCH, 6], -1.0, 1.0),
        Tensor::new([BATCH], vec![3.0, 0.0, 1.0, 3.0, 2.0]).unwrap(),
        random("images", &[BATCH, 2, 5, 6], -1.0, 1.0),
    );
    let table = ByteTable::new([4, 3], (0..12).map(|i| i * 20).collect::<Vec<u8>>()).unwrap();
    let weight = Variable::new("weight", random("weight", &[4, 6], -1.0, 1.0));
    let [filters, transposed] =
        ["filters", "transposed"].map(|name| Variable::new(name, random(name, &[2, 2, 3, 3], -1.0, 1.0)));
    let model = checked(
        |tape, batch| {
            let (x, rows) = (tape.input("x", [batch, 6]), tape.input("rows", [batch]));
            let images = tape.input("images", [batch, 2, 5, 6]);
            let [weight, filters, transposed] = [&weight, &filters, &transposed].map(|v| tape.variable(v));
            let ones = tape.scalar(1.0).broadcast_to([batch, 2]);
            let thirds = x.reshape([batch, 2, 3]);
            vec![
                ("more_rows", x.reshape([2 * batch, 3])),
                ("joined", tape.concat(&[x, ones], 1)),
                ("swapped", thirds.permute(&[0, 2, 1])),
                ("cut", x.slice(1, 2..5)),
                ("padded", x.pad(&[0, 1], &[0, 2])),
                ("sum", thirds.sum_axes(&[1])),
                ("largest", thirds.max_axes(&[2])),
                ("centred", x - x.mean_axes(&[1]).restore_axes(&[1], &x.shape())),
                ("product", x.matmul_transposed(weight)),
                ("products", thirds.matmul_transposed(thirds)),
                ("picked", weight.gather_rows(rows)),
                ("looked_up", rows.look_up(&table)),
                ("picked_by_value", weight.gather_rows(x.slice(1, 0..1).reshape([batch]).ge(0.0))),
                ("convolved", images.conv2d(filters, Conv { stride: [2, 1], padding: [1, 0] })),
                ("transposed_convolution", images.conv_transpose2d(transposed, Conv::square(2, 1), 1)),
                ("left_out", images.conv2d_input(transposed, Conv { stride: [2, 2], padding: [0, 1] }, [12, 12])),
                ("detached", x.detach()),
            ]
        },
        &[("x", &x), ("rows", &rows), ("images", &images)],
    );
    assert_eq!(occurrences(&model, "ConvTranspose"), 2);
    assert_eq!(occurrences(&model, "Expand"), 1, "arithmetic broadcasts by itself");
}

/// Another program would take one for the other, or refuse the model.
#[test]
fn two_values_of_one_name_are_refused() {
    let told = |record: &dyn for<'t> Fn(&'t Tape, usize) -> Var<'t>| {
        onnx::model(|tape, batch| vec![("y", record(tape, batch))]).unwrap_err().to_string()
    };
    let problem = |name: &str| {
        format!("two values of the model would be called {name:?}: give the input, Variable or result another name")
    };
    let [y, x, sum] = ["y", "x", "Add_0"].map(|name| Variable::new(name, Tensor::scalar(1.0)));
    assert_eq!(told(&|tape, batch| tape.input("x", [batch, 2]) + tape.variable(&y)), problem("y"));
    assert_eq!(told(&|tape, batch| tape.input("x", [batch, 2]) + tape.variable(&x)), problem("x"));
    assert_eq!(told(&|tape, batch| tape.input("x", [batch, 2]) + tape.variable(&sum)), problem("Add_0"));
    assert_eq!(told(&|tape, batch| tape.input("y", [batch, 2]) * 2.0), problem("y"));
}

#[test]
fn what_a_model_cannot_hold_is_told() {
    let told = |record: &dyn for<'t> Fn(&'t Tape, usize) -> Var<'t>| {
        let error = onnx::model(|tape, batch| vec![("y", record(tape, batch))]).unwrap_err().to_string();
        let (before, after) = (error.find(" (recorded at").unwrap(), error.find(')').unwrap());
        format!("{}{}", &error[..before], &error[after + 1..])
    };
    assert_eq!(told(&|tape, batch| tape.normal(Stream::new(0, "x"), [batch, 2])), "ONNX has no word for normal");
    let depends = "depends on the size of the batch, which a model leaves open";
    assert_eq!(told(&|tape, batch| tape.input("x", [batch, 2]).mean()), format!("constant 0.25 {depends}"));
    assert_eq!(
        told(&|tape, batch| tape.input("x", [batch, 2]).slice(0, 0..batch - 1)),
        format!("slice start=[0, 0] {depends}")
    );
    assert_eq!(told(&|tape, batch| tape.zeros([batch])), format!("broadcast {depends}"));
}

/// Trains for a step, and lets the model make of noise what the program makes of it.
fn compare_generators(settings: &str, class: Option<&str>) {
    let place = Workplace::new();
    place.run(&format!("{settings} --batch=8 --critic-steps=1 --steps=1 --out=run"));
    place.run("export --run=run --format=onnx --out=generator.onnx");
    fs::create_dir(place.path("arrays")).unwrap();
    let of_class = class.map_or(String::new(), |class| format!("--class={class}"));
    place.run(&format!("sample --run=run --count=6 {of_class} --save-z=arrays/noise.npy --out=arrays/samples.npy"));
    // Pictures of one channel are written without it.
    let path = place.path("arrays/samples.npy");
    let samples = npy::decode(&fs::read(&path).unwrap()).unwrap();
    if let [count, height, width] = samples.shape()[..] {
        fs::write(&path, npy::encode(&samples.reshape([count, 1, height, width]).unwrap())).unwrap();
    }
    if let Some(class) = class {
        let classes = Tensor::full([6], class.parse().unwrap());
        fs::write(place.path("arrays/class.npy"), npy::encode(&classes)).unwrap();
    }
    check(&place.path("generator.onnx"), &place.path("arrays"));
    let model = fs::read(place.path("generator.onnx")).unwrap();
    assert_eq!(occurrences(&model, "Expand"), 0, "{settings}");
}

#[test]
fn every_generator_is_exported() {
    for settings in [
        "--dataset=8gaussians --dim=16",
        "--arch=mlp --dim=16 --generator-norm=layer",
        "--arch=mlp-small",
        "--arch=dcgan --dim=4",
        "--arch=dcgan --dim=4 --generator-norm=batch",
        "--arch=dcgan --dim=4 --generator=mlp",
        "--arch=infogan --dim=4 --generator-norm=batch",
        "--arch=resnet --dim=4",
    ] {
        compare_generators(settings, None);
    }
    compare_generators("--arch=dcgan --dim=4 --conditional", Some("7"));
    compare_generators("--arch=resnet --dim=4 --conditional", Some("3"));
}
