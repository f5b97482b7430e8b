//! What there is, what is refused and in which words, and that devices keep apart.

use std::thread;

use autograd::{Device, Tape, Tensor, Variable};
use opencl::{Choice, Error, OpenCl, devices};

fn open() -> OpenCl {
    OpenCl::open(Choice::Best).expect("an OpenCL driver")
}

#[test]
fn devices_describe_themselves() {
    for device in devices().expect("an OpenCL driver") {
        assert!(!device.name.is_empty() && device.compute_units > 0 && device.memory > 0, "{device:?}");
        assert!(device.version.starts_with("OpenCL "), "{device:?}");
        let opened = OpenCl::open(Choice::At { platform: device.platform, device: device.device });
        assert_eq!(opened.expect("it is there").facts().name, device.name);
    }
}

#[test]
fn the_error_for_no_driver_names_packages() {
    let sentence = Error::NoDriver.to_string();
    assert!(sentence.contains("pocl-opencl-icd") && sentence.contains("ocl-icd-opencl-dev"));
}

#[test]
fn the_error_for_an_unknown_device_lists_the_known_ones() {
    let known = devices().expect("an OpenCL driver").remove(0);
    for (platform, device) in [(99, 0), (known.platform, 99)] {
        let error = OpenCl::open(Choice::At { platform, device }).err().expect("no such device").to_string();
        assert!(error.contains(&format!("no OpenCL device {platform}:{device}")), "{error}");
        assert!(error.contains(&format!("{}:{}  {}", known.platform, known.device, known.name)), "{error}");
    }
}

#[test]
fn a_program_too_large_says_how_much_it_wants_and_what_there_is() {
    let device = open();
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let (memory, largest) = (device.facts().memory, device.facts().largest_allocation);
    let tape = Tape::new();
    let sum = tape.input("x", [1 << 38]).sum(); // 2⁴⁰ bytes
    let error = Device::new(device).program(&tape, &[sum]).err().expect("too large").to_string();
    assert!(error.contains("the program needs 10485") && error.contains(&mebibytes(memory)), "{error}");
    assert!(error.contains(&mebibytes(largest)), "{error}");
}

/// Two queues of one device work at once on programs of their own, and each finds its own results.
#[test]
fn two_queues_at_once_do_not_mix() {
    let powers = |device: Device, base: f64| {
        let x = Variable::new("x", Tensor::full([200, 200], base / 200.0));
        let mut program = device
            .compile(|tape| {
                let value = tape.variable(&x);
                tape.assign(&x, value.matmul(tape.constant(&Tensor::<f64>::full([200, 200], base / 200.0))));
                []
            })
            .expect("a program");
        for _ in 0..30 {
            program.run(&[]).expect("no inputs");
        }
        x.read().expect("the device")
    };
    thread::scope(|scope| {
        for base in [1.0, -1.0] {
            let device = Device::new(open());
            scope.spawn(move || {
                // x ← x·c with all elements of c equal to base / 200 multiplies by base, here an even number of times.
                let (expected, found) = ((base / 200.0) as f32, powers(device, base));
                assert!(found.data().iter().all(|x| (x / expected - 1.0).abs() < 1e-4), "{base}: {}", found.data()[0]);
            });
        }
    });
}

/// Programs on the CPU and on two queues take turns on one Variable, which moves to whoever runs.
#[test]
fn a_variable_moves_between_devices() {
    const RUNS: usize = 20;
    let count = Variable::new("count", Tensor::zeros([100]));
    thread::scope(|scope| {
        for device in [Device::cpu(), Device::new(open()), Device::new(open())] {
            scope.spawn(|| {
                let device = device; // moved in
                let mut program = device
                    .compile(|tape| {
                        tape.assign(&count, tape.variable(&count) + 1.0);
                        []
                    })
                    .expect("a program");
                for _ in 0..RUNS {
                    program.run(&[]).expect("no inputs");
                }
            });
        }
    });
    assert_eq!(count.read().expect("wherever it is"), Tensor::full([100], 3.0 * RUNS as f64));
    count.write(&Tensor::full([100], 7.0)).expect("wherever it is");
    assert_eq!(count.read().expect("wherever it is").data()[99], 7.0);
}
