//! The OpenCL backend: compiled programs on any OpenCL device.
//!
//! It implements [`autograd::Backend`], so a program that runs on the CPU runs on an OpenCL device when it is compiled for
//! that:
//!
//! ```no_run
//! use autograd::{Device, Tensor};
//! use opencl::{Choice, OpenCl};
//!
//! let device = Device::new(OpenCl::open(Choice::Best)?); // the first GPU, or what there is
//! let mut program = device.compile(|tape| [tape.input("x", [2]).square().sum()])?;
//! assert_eq!(program.run(&[("x", &Tensor::new([2], vec![3.0, 4.0])?)])?[0].item(), 25.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In the order in which a program passes through them:
//!
//! - [`devices`], [`Choice`]: which devices there are, and how one is chosen.
//! - [`Context`]: an opened device with its queue and the programs built for it; [`Facts`]: what kernels are shaped by.
//! - [`OpenCl`]: the backend. It prepares a plan's kernels once and enqueues them at every run.
//! - `memory`: where values lie: an arena for each program, a buffer for each Variable.
//! - `launch`: a kernel with its arguments and extents.
//! - `product`, `conv` …: which kernels of the folder `kernels/` a step of a plan runs, and how they are cut; `tiling`: how
//!   products are, and convolutions as products.
//!
//! Building this crate needs the OpenCL loader library (Debian: `ocl-icd-opencl-dev`), running it a driver (on any
//! CPU: `pocl-opencl-icd`), which is why the workspace does not build it unless it is asked for:
//!
//! ```text
//! cargo test -p opencl
//! ```

mod backend;
mod context;
mod conv;
mod devices;
mod error;
mod fused;
mod launch;
mod memory;
mod product;
mod random;
mod reduce;
mod rows;
mod tiling;
mod views;

pub use backend::OpenCl;
pub use context::{Context, Facts, Kind};
pub use devices::{Choice, Description, devices};
pub use error::Error;
