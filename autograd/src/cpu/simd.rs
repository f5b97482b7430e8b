//! The one place that chooses the vector instructions which kernels are compiled for.

use std::ffi::OsStr;
use std::sync::OnceLock;

use pulp::{Arch, WithSimd};

use super::scratch::CacheLine;
use crate::Error;

/// Runs `kernel`, compiled for the chosen vector instructions. What is not inlined into it is not compiled so: mark the
/// closure, and what it calls, `#[inline(always)]`. The bound is `FnOnce` itself: a closure that only turns out to be one is
/// called by way of a function of the compiler's, which is not inlined.
#[inline(always)]
pub fn vectorised<R>(kernel: impl FnOnce() -> R) -> R {
    with_vectors(kernel)
}

/// As [`vectorised`], for a kernel that names its vectors; mark its `with_simd` too.
#[inline(always)]
pub fn with_vectors<K: WithSimd>(kernel: K) -> K::Output {
    in_use().dispatch(kernel)
}

/// What kernels are run with: [`chosen`], once for all.
#[inline(always)]
pub fn in_use() -> Arch {
    static CHOSEN: OnceLock<Arch> = OnceLock::new();
    // A program is loaded only where there is no error.
    *CHOSEN.get_or_init(|| chosen().unwrap_or_else(|error| panic!("{error}")))
}

/// AVX2 by itself, for a kernel that needs vectors of eight numbers, unless what is in use has less.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn avx2(in_use: Arch) -> Option<pulp::x86::V3> {
    match in_use {
        Arch::V3(simd) => Some(simd),
        Arch::V4(simd) => Some(*simd),
        _ => None,
    }
}

/// Calls the numbers at `x`, two cache lines, into the first-level cache, where there is an instruction for it, which Miri
/// does not know. The address may be anywhere.
#[inline(always)]
pub fn prefetch(x: *const f32) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for line in [x, x.wrapping_add(CacheLine::LEN)] {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, and it reads nothing that the program could see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = x;
}

/// The best vector instructions that this processor is found to have, or those that the environment variable
/// `AUTOGRAD_SIMD` names.
///
/// # Errors
/// If it names none that this processor has.
pub fn chosen() -> Result<Arch, Error> {
    named(std::env::var_os("AUTOGRAD_SIMD").as_deref())
}

/// All that this processor has, by name, the best first.
pub fn available() -> impl Iterator<Item = (&'static str, Arch)> {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let vectors =
        [("avx512", pulp::x86::V4::try_new().map(Arch::V4)), ("avx2", pulp::x86::V3::try_new().map(Arch::V3))];
    #[cfg(target_arch = "aarch64")]
    let vectors = [("neon", pulp::aarch64::Neon::try_new().map(Arch::Neon))];
    #[cfg(target_arch = "wasm32")]
    let vectors = [("simd128", pulp::wasm::Simd128::try_new().map(Arch::Simd128))];
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64", target_arch = "wasm32")))]
    let vectors = [];
    vectors.into_iter().chain([("scalar", Some(Arch::Scalar))]).filter_map(|(name, arch)| Some((name, arch?)))
}

fn named(name: Option<&OsStr>) -> Result<Arch, Error> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(Arch::new());
    };
    let found = available().find(|&(known, _)| name == known).map(|(_, arch)| arch);
    found.ok_or_else(|| {
        let known: Vec<&str> = available().map(|(known, _)| known).collect();
        let reason = format!(
            "the environment variable AUTOGRAD_SIMD is {name:?}; set it to one of what this processor has ({}), or unset it",
            known.join(", ")
        );
        Error::Device { device: "CPU".into(), reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What pulp calls it, with the numbers of a vector.
    fn vector(name: Option<&str>) -> Result<(String, usize), Error> {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;
            fn with_simd<S: pulp::Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        let arch = named(name.map(OsStr::new))?;
        Ok((format!("{arch:?}"), arch.dispatch(Lanes)))
    }

    #[test]
    fn vector_instructions_can_be_forced() {
        for (name, _) in available() {
            let lanes = match name {
                "avx512" => 16,
                "avx2" => 8,
                "neon" | "simd128" => 4,
                _ => 1,
            };
            assert_eq!(vector(Some(name)).unwrap().1, lanes, "{name}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vectors_of_eight_are_not_used_where_there_are_to_be_less() {
        for (name, arch) in available() {
            assert_eq!(avx2(arch).is_some(), name != "scalar", "{name}");
        }
    }

    #[test]
    fn the_best_is_the_default() {
        let (best, _) = available().next().unwrap();
        for unset in [None, Some("")] {
            assert_eq!(vector(unset).unwrap(), vector(Some(best)).unwrap());
        }
    }

    #[test]
    fn what_this_processor_lacks_is_refused() {
        let absent = if cfg!(target_arch = "x86_64") { "neon" } else { "avx512" };
        for name in [absent, "AVX2", "sse", "scalar "] {
            let message = vector(Some(name)).unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("CPU: the environment variable AUTOGRAD_SIMD is {name:?}; ")),
                "{message}"
            );
            assert!(message.ends_with("scalar), or unset it"), "{message}");
        }
    }
}
