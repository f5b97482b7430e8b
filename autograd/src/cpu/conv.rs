//! Convolutions: the kernels are on their way.

use crate::ops::ConvSizes;
pub fn conv2d(_: ConvSizes, _: &[f32], _: &[f32], _: &mut [f32], _: bool) {
    unimplemented!()
}
pub fn conv2d_input(_: ConvSizes, _: &[f32], _: &[f32], _: &mut [f32], _: bool) {
    unimplemented!()
}
pub fn conv2d_filter(_: ConvSizes, _: &[f32], _: &[f32], _: &mut [f32], _: &mut [f32], _: bool) {
    unimplemented!()
}
