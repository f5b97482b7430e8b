//! What the tests of kernels need.

use std::sync::OnceLock;

use autograd::{Device, Stream};
use opencl::{Choice, Kind, OpenCl};

/// The best device with the kernels for CPUs and with those for GPUs.
pub fn devices() -> [Device; 2] {
    static DEVICES: OnceLock<[Device; 2]> = OnceLock::new();
    let open = |kind| Device::new(OpenCl::open_as(Choice::Best, kind).unwrap_or_else(|error| panic!("{error}")));
    DEVICES.get_or_init(|| [Kind::Cpu, Kind::Gpu].map(open)).clone()
}

/// Numbers in [−1, 1).
pub fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let stream = Stream::new(seed, "test");
    (0..count).map(|element| 2.0 * stream.uniform(0, element) - 1.0).collect()
}

/// Asserts that sums agree with (the sum in f64, the sum of its terms' magnitudes, which scales the rounding error).
#[track_caller]
pub fn assert_close(what: &str, found: &[f32], expected: impl ExactSizeIterator<Item = (f64, f64)>) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (element, (&found, (expected, magnitude))) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= 1e-6 * magnitude, "{what}: element {element} is {found}, not {expected}");
    }
}
