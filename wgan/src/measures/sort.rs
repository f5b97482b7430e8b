//! Sorting many numbers.

/// Sorts numbers in the order of [`f32::total_cmp`], by eleven bits of each at a time (radix sort), which for tens of
/// thousands takes less time than comparing them.
pub fn sort(numbers: &mut [f32]) {
    const BITS: u32 = 11;
    const SIGN: u32 = 1 << 31;
    // As whole numbers without a sign, in the same order: of negative ones all bits are turned, of others the sign.
    let mut keys: Vec<u32> =
        numbers.iter().map(|x| x.to_bits()).map(|x| x ^ if x < SIGN { SIGN } else { !0 }).collect();
    let mut sorted = vec![0; keys.len()];
    for shift in [0, BITS, 2 * BITS] {
        let digit = |key: u32| (key >> shift) as usize % (1 << BITS);
        let mut places = [0; 1 << BITS];
        keys.iter().for_each(|&key| places[digit(key)] += 1);
        let mut first = 0;
        for place in &mut places {
            first += std::mem::replace(place, first);
        }
        for &key in &keys {
            let place = &mut places[digit(key)];
            sorted[*place] = key;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut sorted);
    }
    let number = |key: u32| f32::from_bits(key ^ if key < SIGN { !0 } else { SIGN });
    numbers.iter_mut().zip(keys).for_each(|(x, key)| *x = number(key));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_comparing() {
        let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, 1e-45, -1e-45];
        let any = (0..5000u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9)));
        let mut numbers: Vec<f32> = special.into_iter().chain(any).collect();
        let mut compared = numbers.clone();
        compared.sort_unstable_by(f32::total_cmp);
        sort(&mut numbers);
        assert!(numbers.iter().zip(&compared).all(|(a, b)| a.to_bits() == b.to_bits()));
        sort(&mut []);
    }
}
