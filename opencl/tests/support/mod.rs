//! What the tests of kernels need.

use std::sync::OnceLock;

use autograd::{Device, Stream};
use opencl::{Choice, Facts, Kind, OpenCl};

/// The best device as it is, and taken for others, whose kernels are different: for a CPU with short vectors and a small
/// cache, for a GPU so small that large tiles occupy it, for one so large that sums are cut into slices, and for one whose
/// work-groups are small.
pub fn devices() -> &'static [Device] {
    static DEVICES: OnceLock<Vec<Device>> = OnceLock::new();
    let facts: [fn(&mut Facts); 5] = [
        |_| (),
        |facts| (facts.kind, facts.vector_width, facts.local_memory) = (Kind::Cpu, 4, 1 << 14),
        |facts| (facts.kind, facts.compute_units) = (Kind::Gpu, 2),
        |facts| (facts.kind, facts.compute_units) = (Kind::Gpu, 64),
        |facts| (facts.kind, facts.compute_units, facts.max_work_group) = (Kind::Gpu, 8, 64),
    ];
    let open = |adjust| OpenCl::open_with(Choice::Best, adjust).unwrap_or_else(|error| panic!("{error}"));
    DEVICES.get_or_init(|| facts.map(|adjust| Device::new(open(adjust))).into())
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
