// sum += term. What rounding takes from a sum goes into the next addition (Kahan, "Further remarks on reducing truncation
// errors", 1965), so that a sum of millions of terms has the error of a short one. `lost` begins as 0.
static void add_to(float *sum, float *lost, float term)
{
    const float corrected = term + *lost, next = *sum + corrected;
    const float rest = corrected - (next - *sum);
    *lost = isfinite(rest) ? rest : 0.0f; // beside an infinite sum
    *sum = next;
}
