//! A computation on any number of samples, as a program for a fixed number of them.

use autograd::{Device, Error, Shape, Tensor, Var};

/// What `record` makes of the samples `[N, …]`, each by itself: results `[N, …]`. They are computed `batch` at a time, the last
/// ones beside zeros: the batch's size never changes, because the last bits of a result depend on it, and memory grows with it.
///
/// ```
/// use autograd::{Device, Tensor};
/// use nn::in_batches;
/// let samples = Tensor::from_fn([5, 2], |i| i as f32);
/// let [sums] = in_batches(&Device::cpu(), 2, &samples, |x| [x.sum_axes(&[1])])?;
/// assert_eq!((&sums.shape()[..], sums.data()), (&[5][..], &[1.0, 5.0, 9.0, 13.0, 17.0][..]));
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// If the device fails.
pub fn in_batches<const N: usize>(
    device: &Device,
    batch: usize,
    samples: &Tensor,
    record: impl for<'t> FnOnce(Var<'t>) -> [Var<'t>; N],
) -> Result<[Tensor; N], Error> {
    let count = samples.shape()[0];
    let with_extent = |count: usize, shape: &Shape| Shape::from([&[count], &shape[1..]].concat());
    let input = with_extent(batch, samples.shape());
    let mut program = device.compile(|tape| record(tape.input("samples", &input)))?;
    let outputs = &program.plan().outputs;
    let mut results: [_; N] = std::array::from_fn(|i| (Vec::new(), with_extent(count, &outputs[i].1)));
    for part in samples.data().chunks(input.count()) {
        let mut part = part.to_vec();
        part.resize(input.count(), 0.0);
        let made = program.run(&[("samples", &Tensor::new(&input, part)?)])?;
        results.iter_mut().zip(made).for_each(|((all, _), some)| all.extend_from_slice(some.data()));
    }
    Ok(results.map(|(mut values, shape)| {
        values.truncate(shape.count());
        Tensor::new(shape, values).expect("a value for each element")
    }))
}
