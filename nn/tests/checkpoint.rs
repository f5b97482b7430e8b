//! Checkpoints: what comes back, and what is said about files that do not fit.

use std::fs;
use std::path::{Path, PathBuf};

use autograd::{Tensor, Variable};
use nn::{Checkpoint, checkpoint};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

/// A folder that is removed at the end, and a file in it.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    (folder, file)
}

fn variable(name: &str, shape: &[usize], value: f64) -> Variable {
    Variable::new(name, Tensor::full(shape, value))
}

fn of(variables: &[&Variable]) -> Checkpoint {
    Checkpoint::new().with("", variables.iter().copied().cloned())
}

/// The error that loading these Variables gives, without the file's path.
#[track_caller]
fn refusal(file: &Path, variables: &[&Variable]) -> String {
    let error = of(variables).load(file).unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()), "{error} does not name the file");
    error.replace(&file.display().to_string(), "FILE")
}

#[test]
fn values_come_back_bit_by_bit() {
    let (_folder, file) = folder();
    let values = [0.1, -0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY, f32::MAX, 1.0 / 3.0];
    let saved = Variable::new("a", Tensor::new([2, 3], values.to_vec()).unwrap());
    of(&[&saved, &variable("b", &[], 7.0)]).save(&file, None).unwrap();

    let (a, b) = (variable("a", &[2, 3], 0.0), variable("b", &[], 0.0));
    of(&[&a, &b]).load(&file).unwrap();
    assert_eq!(a.read().unwrap().data().iter().map(|x| x.to_bits()).collect::<Vec<_>>(), values.map(f32::to_bits));
    assert_eq!(b.read().unwrap().item(), 7.0);
}

#[test]
fn prefixes_keep_two_networks_apart() {
    let (_folder, file) = folder();
    let networks = |critic: f64, generator: f64| {
        let (critic, generator) = (variable("0.weight", &[1], critic), variable("0.weight", &[1], generator));
        let both = Checkpoint::new().with("critic.", [critic.clone()]).with("generator.", [generator.clone()]);
        (critic, generator, both)
    };
    networks(1.0, 2.0).2.save(&file, None).unwrap();
    let (critic, generator, both) = networks(0.0, 0.0);
    both.load(&file).unwrap();
    assert_eq!([critic, generator].map(|v| v.read().unwrap().item()), [1.0, 2.0]);
}

#[test]
#[should_panic(expected = "checkpoint: two Variables are named \"0.weight\"")]
fn two_variables_of_one_name_are_refused() {
    of(&[&variable("0.weight", &[1], 1.0), &variable("0.weight", &[1], 2.0)]);
}

#[test]
fn the_same_values_give_the_same_bytes() {
    let (_folder, file) = folder();
    let [a, b] = ["a", "b"].map(|name| variable(name, &[3], 1.0));
    let bytes = |variables: &[&Variable]| {
        of(variables).save(&file, Some(("run", "{}"))).unwrap();
        fs::read(&file).unwrap()
    };
    assert_eq!(bytes(&[&a, &b]), bytes(&[&b, &a]));
}

#[test]
fn metadata_come_back_under_their_key() {
    let (_folder, file) = folder();
    let json = r#"{"step": 500, "note": "größer"}"#;
    of(&[&variable("a", &[1], 1.0)]).save(&file, Some(("run", json))).unwrap();
    assert_eq!(checkpoint::metadata(&file, "run").unwrap().as_deref(), Some(json));
    assert_eq!(checkpoint::metadata(&file, "other").unwrap(), None);
}

#[test]
fn another_shape_is_told_with_both() {
    let (_folder, file) = folder();
    of(&[&variable("0.weight", &[512, 784], 1.0)]).save(&file, None).unwrap();
    assert_eq!(
        refusal(&file, &[&variable("0.weight", &[512, 128], 0.0)]),
        "FILE is of another model; what it has | what is expected: \"0.weight\" [512, 784] | \"0.weight\" [512, 128]"
    );
}

#[test]
fn other_names_are_listed_side_by_side() {
    let (_folder, file) = folder();
    let [a, b, c, d, e] = &["a", "b", "c", "d", "e"].map(|name| variable(name, &[1], 1.0));
    of(&[b, a, c]).save(&file, None).unwrap();
    let told = |variables: &[&Variable]| {
        let told = refusal(&file, variables);
        told.strip_prefix("FILE is of another model; what it has | what is expected: ").unwrap().to_owned()
    };
    assert_eq!(told(&[a]), r#""b" [1] | nothing, "c" [1] | nothing"#);
    assert_eq!(told(&[a, b, c, d]), r#"nothing | "d" [1]"#);
    assert_eq!(told(&[a, b, e, d]), r#""c" [1] | "d" [1], nothing | "e" [1]"#);
    let many: Vec<Variable> = (0..10).map(|i| variable(&i.to_string(), &[i], 0.0)).collect();
    let many = told(&[&[a, b, c], &many.iter().collect::<Vec<_>>()[..]].concat());
    assert!(many.ends_with(r#", nothing | "7" [7], and 2 more"#), "{many}");
}

#[test]
fn a_file_that_does_not_fit_changes_nothing() {
    let (_folder, file) = folder();
    of(&[&variable("a", &[1], 1.0), &variable("b", &[2], 1.0)]).save(&file, None).unwrap();
    let (a, b) = (variable("a", &[1], 5.0), variable("b", &[3], 5.0));
    refusal(&file, &[&a, &b]);
    assert_eq!(a.read().unwrap().data(), [5.0]);
}

#[test]
fn a_missing_file_is_named() {
    let (_folder, file) = folder();
    assert_eq!(refusal(&file, &[]), "cannot read FILE: No such file or directory (os error 2)");
}

/// Cut off anywhere, a file gives one sentence, not a panic and not a half-loaded model.
#[test]
fn a_truncated_file_is_no_safetensors_file() {
    let (_folder, file) = folder();
    let a = variable("a", &[4], 1.0);
    of(&[&a]).save(&file, None).unwrap();
    let whole = fs::read(&file).unwrap();
    for length in 0..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let error = refusal(&file, &[&a]);
        assert!(error.starts_with("FILE is not a whole safetensors file: "), "{length} bytes: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(refusal(&file, &[&a]), "FILE is not a whole safetensors file: it ends within tensor \"a\"");
    fs::write(&file, [&whole[..], b"more"].concat()).unwrap();
    assert_eq!(refusal(&file, &[&a]), "FILE is not a whole safetensors file: it goes on after its last tensor");
}

/// One bit anywhere. Only the name under which the checksum stands can be another, since other programs' files have none.
#[test]
fn a_flipped_bit_is_noticed() {
    let (_folder, file) = folder();
    let a = variable("a", &[4], 1.0);
    of(&[&a]).save(&file, Some(("run", "{}"))).unwrap();
    let whole = fs::read(&file).unwrap();
    let name = whole.windows(5).position(|window| window == checkpoint::CHECKSUM.as_bytes()).unwrap();
    for bit in 0..8 * whole.len() {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, &damaged).unwrap();
        a.write(&Tensor::zeros([4])).unwrap();
        match of(&[&a]).load(&file) {
            Ok(()) => {
                assert!((name..name + 5).contains(&(bit / 8)), "bit {bit}");
                assert_eq!(checkpoint::metadata(&file, checkpoint::CHECKSUM).unwrap(), None);
            }
            Err(error) => {
                assert!(!error.to_string().contains(char::is_control), "{error}");
                assert_eq!(a.read().unwrap().data(), [0.0; 4], "bit {bit}: half loaded");
                assert!(checkpoint::metadata(&file, "run").is_err(), "bit {bit}");
            }
        }
    }
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&file, &damaged).unwrap();
    assert_eq!(
        refusal(&file, &[&a]),
        "FILE is damaged: its bytes do not have the checksum that was written with them; take a copy of it"
    );
}

/// The check value that catalogues of CRCs list for CRC-32/ISO-HDLC is that of the digits 1 to 9; the file's own sum is
/// that of its bytes with zeros for the sum's digits.
#[test]
fn the_checksum_is_the_crc_32_of_the_file() {
    let (_folder, file) = folder();
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    of(&[&variable("a", &[4], 1.0)]).save(&file, Some(("run", r#""crc32":"12345678""#))).unwrap();
    let sum = checkpoint::metadata(&file, checkpoint::CHECKSUM).unwrap().unwrap();
    let bytes = fs::read(&file).unwrap();
    let place = bytes.windows(8).position(|window| window == sum.as_bytes()).unwrap();
    let zeroed = [&bytes[..place], b"00000000", &bytes[place + 8..]].concat();
    assert_eq!(sum, format!("{:08x}", crc32(&zeroed)));
}

/// Bit by bit, by the polynomial.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), step))
}

/// A few bytes that claim to be 400 GB of weights, or a header of 16 exabytes, take no memory.
#[test]
fn a_file_that_promises_more_than_it_holds_is_refused() {
    let (_folder, file) = folder();
    let a = variable("a", &[4], 0.0);
    let header = r#"{"a":{"dtype":"F32","shape":[100000000000],"data_offsets":[0,400000000000]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 64]].concat();
    fs::write(&file, &bytes).unwrap();
    assert!(refusal(&file, &[&a]).ends_with(r#": "a" [100000000000] | "a" [4]"#));
    assert_eq!(checkpoint::count(&file, "").unwrap(), 100_000_000_000);
    let error = checkpoint::metadata(&file, "run").unwrap_err().to_string();
    assert!(error.ends_with("it ends within tensor \"a\""), "{error}");
    fs::write(&file, [0xff; 64]).unwrap();
    let error = refusal(&file, &[&a]);
    assert_eq!(error, "FILE is not a whole safetensors file: its header would have 18446744073709551615 bytes");
}

#[test]
fn a_name_in_a_message_is_short_and_can_be_seen() {
    let (_folder, file) = folder();
    let names = ["\u{1b}[2J".to_owned(), "x".repeat(100_000)];
    of(&names.each_ref().map(|name| variable(name, &[1], 0.0)).each_ref()).save(&file, None).unwrap();
    let error = refusal(&file, &[]);
    assert!(error.contains(r#": "\u{1b}[2J" [1] | nothing, "xxx"#) && error.len() < 500, "{error}");
}

#[test]
fn the_first_number_that_is_not_finite_is_found() {
    let (a, b) = (variable("a", &[2], 1.0), Variable::new("b", Tensor::new([2], vec![0.0, f32::INFINITY]).unwrap()));
    let both = Checkpoint::new().with("x.", [b, a]);
    assert_eq!(both.first_non_finite().unwrap(), Some("x.b"));
    assert_eq!(Checkpoint::new().first_non_finite().unwrap(), None);
}

/// Whatever byte of the header is wrong, loading says so; it never panics.
#[test]
fn a_damaged_header_never_panics() {
    let (_folder, file) = folder();
    let a = variable("a", &[4], 1.0);
    of(&[&a]).save(&file, None).unwrap();
    let whole = fs::read(&file).unwrap();
    for position in 0..whole.len() - 16 {
        for wrong in [0, b'9', b'"', 0xff] {
            let mut damaged = whole.clone();
            damaged[position] = wrong;
            fs::write(&file, &damaged).unwrap();
            if let Err(error) = of(&[&a]).load(&file) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

#[test]
fn a_failed_save_keeps_the_old_file_and_leaves_nothing_beside_it() {
    let (folder, _) = folder();
    let file = folder.path().join("a-folder-in-the-way");
    fs::create_dir(&file).unwrap();
    let error = of(&[&variable("a", &[1], 1.0)]).save(&file, None).unwrap_err().to_string();
    assert_eq!(error, format!("cannot write {}: Is a directory (os error 21)", file.display()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// PyTorch's batch norm saves a count of batches, of type I64, that nothing here needs.
#[test]
fn a_file_from_pytorch_is_loaded() {
    let (_folder, file) = folder();
    let (mean, count) = (2.5f32.to_le_bytes(), 3i64.to_le_bytes());
    let tensors = [
        ("1.running_mean", TensorView::new(Dtype::F32, vec![1], &mean).unwrap()),
        ("1.num_batches_tracked", TensorView::new(Dtype::I64, vec![], &count).unwrap()),
    ];
    fs::write(&file, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let running_mean = variable("1.running_mean", &[1], 0.0);
    of(&[&running_mean]).load(&file).unwrap();
    assert_eq!(running_mean.read().unwrap().item(), 2.5);
}

/// 1.5 and −2 in both half precisions, beside a tensor that nobody asked for.
#[test]
fn half_precision_is_widened() {
    let (_folder, file) = folder();
    let [half, brain] = [[0x3e00_u16, 0xc000], [0x3fc0, 0xc000]].map(|bits| bits.map(u16::to_le_bytes));
    let tensors = [
        ("a", TensorView::new(Dtype::F16, vec![2], half.as_flattened()).unwrap()),
        ("b", TensorView::new(Dtype::BF16, vec![2], brain.as_flattened()).unwrap()),
    ];
    fs::write(&file, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let [a, b] = ["a", "b"].map(|name| variable(name, &[2], 0.0));
    of(&[&a, &b]).load(&file).unwrap();
    assert_eq!([a, b].map(|v| v.read().unwrap().into_data()), [[1.5, -2.0], [1.5, -2.0]]);
}

#[test]
fn other_element_types_are_refused() {
    let (_folder, file) = folder();
    let bytes = 1f64.to_le_bytes();
    let tensors = [("a", TensorView::new(Dtype::F64, vec![1], &bytes).unwrap())];
    fs::write(&file, safetensors::serialize(tensors, None).unwrap()).unwrap();
    assert_eq!(
        refusal(&file, &[&variable("a", &[1], 0.0)]),
        "FILE: tensor \"a\" holds F64 numbers; only F32, F16 and BF16 can be loaded"
    );
}

#[test]
fn bytes_load_as_their_file_does() {
    let (_folder, file) = folder();
    let weight = variable("weight", &[2], 3.0);
    let checkpoint = Checkpoint::new().with("", [weight.clone()]);
    checkpoint.save(&file, None).unwrap();
    weight.write(&Tensor::zeros([2])).unwrap();
    checkpoint.load_bytes(&fs::read(&file).unwrap(), Path::new("embedded weights")).unwrap();
    assert_eq!(weight.read().unwrap().data(), [3.0, 3.0]);
    let error = checkpoint.load_bytes(b"short", Path::new("embedded weights")).unwrap_err().to_string();
    assert!(error.starts_with("embedded weights is not a whole safetensors file"), "{error}");
}
