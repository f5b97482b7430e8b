//! What the processor can do at most, on all threads: the roofline that kernels are held against (Williams, Waterman and
//! Patterson, 2009).

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pulp::{Arch, Simd, WithSimd};

/// Floating-point operations a second of multiply-adds whose numbers stay in registers.
pub fn arithmetic() -> f64 {
    static PEAK: OnceLock<f64> = OnceLock::new();
    *PEAK.get_or_init(|| on_all_threads(|| rate(|| Arch::new().dispatch(MultiplyAdds))))
}

/// Bytes a second of `a[i] = b[i] + s · c[i]` (the "triad" of STREAM, McCalpin 1995), of arrays that take `bytes` together:
/// those of a cache, if they fit one.
pub fn memory(bytes: u64) -> f64 {
    let len = (bytes as usize / size_of::<[f32; 3]>() / rayon::current_num_threads()).max(1);
    on_all_threads(|| {
        let [mut a, b, c] = [0.0_f32, 1.0, 2.0].map(|value| vec![value; len]);
        let times = (1_usize << 15).div_ceil(len); // small ones many times, as looking at the clock takes time, too
        rate(|| {
            for _ in 0..times {
                Arch::new().dispatch(
                    #[inline(always)]
                    || a.iter_mut().zip(&b).zip(&c).for_each(|((a, b), c)| *a = b + 3.0 * c),
                );
                black_box(&mut a);
            }
            times * len * size_of::<[f32; 3]>()
        })
    })
}

/// The sum of the threads' rates, while all work.
fn on_all_threads(rate: impl Fn() -> f64 + Sync) -> f64 {
    rayon::broadcast(|_| rate()).into_iter().sum()
}

/// How much of what `work` counts is done in a second, at best.
fn rate(mut work: impl FnMut() -> usize) -> f64 {
    const TIME: Duration = Duration::from_millis(200);
    let (start, mut best) = (Instant::now(), 0.0_f64);
    while start.elapsed() < TIME {
        let begun = Instant::now();
        let done = work();
        best = best.max(done as f64 / begun.elapsed().as_secs_f64());
    }
    best
}

/// Chains of multiply-adds side by side, enough for two units with a latency of four or five cycles, and few enough for 16
/// registers. Counts operations.
struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = usize;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        const CHAINS: usize = 12;
        const STEPS: usize = 1 << 14;
        let [factor, term] = black_box([0.5, 1.0]).map(|value| simd.splat_f32s(value));
        let mut sums = [term; CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, term);
            }
        }
        black_box(sums.map(|sum| simd.reduce_sum_f32s(sum)));
        2 * STEPS * CHAINS * S::F32_LANES
    }
}
