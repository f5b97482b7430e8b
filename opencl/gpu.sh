#!/usr/bin/env bash
# Tests and measures the OpenCL backend on a machine with a GPU, on which nothing has to be built.
#
#     opencl/gpu.sh pack FOLDER    here: builds what is run there into FOLDER, which is then carried
#     FOLDER/gpu.sh test           there: every operation, program, kernel and the four trainings on the GPU
#     FOLDER/gpu.sh measure        there: the four trainings, and the DCGAN with batches of 512
#     FOLDER/gpu.sh compare        there: the same beside PyTorch (python3 with torch and numpy), TF32 off
#
# It wants a driver there with OpenCL, whose library the loader that is carried along must find: NVIDIA's is
# libnvidia-opencl.so.1.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
configurations=(toy-gp mnist-mlp-clip mnist-dcgan-gp mnist-dcgan-clip)

pack() {
    local folder="$1" executables
    mkdir -p "$folder"
    cd "$here/.."
    cargo build --release -p benches --features opencl
    executables="$(
        {
            cargo test --no-run -p opencl --tests
            cargo test --no-run -p tests --features opencl --test ops --test programs
        } 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p'
    )"
    for executable in $executables; do
        strip -o "$folder/test-$(basename "${executable%-*}")" "$executable"
    done
    strip -o "$folder/benches" "${CARGO_TARGET_DIR:-target}/release/benches"
    cp "$(ldconfig -p | sed -n 's/.*libOpenCL\.so\.1 .*=> //p' | head -1)" "$folder/"
    cp benches/compare.py benches/torch_training.py opencl/gpu.sh "$folder/"
    du -sh "$folder"
}

# The loader carried along, and a file that names the driver if the machine has none.
find_driver() {
    export LD_LIBRARY_PATH="$here${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    if ! ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1; then
        mkdir -p "$here/vendors"
        echo libnvidia-opencl.so.1 >"$here/vendors/nvidia.icd"
        export OCL_ICD_VENDORS="$here/vendors"
        export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/usr/local/nvidia/lib64:/usr/local/nvidia/lib"
    fi
}

run_tests() {
    local failed=0
    for executable in "$here"/test-*; do
        echo "== $(basename "$executable")"
        RUST_BACKTRACE=0 "$executable" --quiet || failed=1
    done
    return $failed
}

measure() {
    for configuration in "${configurations[@]}"; do
        "$here/benches" step "$configuration" --backend opencl --iterations 100 --profile
    done
    "$here/benches" step mnist-dcgan-gp --backend opencl --iterations 50 --batch 512
}

compare() {
    local options=(--program "$here/benches" --backend opencl --device cuda --force)
    python3 "$here/compare.py" "${options[@]}" --iterations 100
    python3 "$here/compare.py" "${options[@]}" --iterations 50 --batch 512 mnist-dcgan-gp
}

case "${1:-} $#" in
    "pack 2") pack "$(realpath -m "$2")" ;;
    "test 1") find_driver && run_tests ;;
    "measure 1") find_driver && measure ;;
    "compare 1") find_driver && compare ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
