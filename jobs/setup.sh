#!/usr/bin/env bash
# Makes sure that what ohmtally builds with is there. On Debian and Ubuntu missing packages are installed with apt when that is allowed; elsewhere this says
# what to install. Sourced or run by jobs/demo.sh and tests/run.sh; safe to run again. Usage: jobs/setup.sh [tests] [slurm] (slurm: for the tests of jobs/slurm; not by itself,
# since on a machine with systemd the packages start services)
set -euo pipefail

packages=(gcc make cmake pkg-config git ca-certificates openmpi-bin libopenmpi-dev libhdf5-openmpi-dev libturbojpeg0-dev libpng-dev
          protobuf-c-compiler libprotobuf-c-dev libonnx-dev libyaml-dev libopenblas-dev libxxhash-dev libdnnl-dev librandom123-dev)
for what in "$@"; do
    case $what in
        tests) packages+=(libcunit1-dev libsuitesparse-dev libonnx-testdata hdf5-tools valgrind iproute2 python3-h5py python3-pandas python3-matplotlib) ;;
        slurm) packages+=(slurm-wlm munge) ;;
    esac
done

missing=()
if command -v dpkg-query >/dev/null 2>&1; then
    for p in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && exit 0
    apt=(apt-get)
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then apt=(sudo apt-get); else apt=(); fi
    fi
    if [ ${#apt[@]} -gt 0 ]; then
        echo "installing: ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        "${apt[@]}" update -q >/dev/null
        "${apt[@]}" install -y -q --no-install-recommends "${missing[@]}" >/dev/null
        exit 0
    fi
    echo "Please install what is missing (this user may not):"
    echo "  sudo apt-get install ${missing[*]}"
    exit 1
fi

# Not Debian: look for the tools and say what they are called elsewhere.
for tool in cc cmake pkg-config mpicc protoc-c; do command -v "$tool" >/dev/null 2>&1 || missing+=("$tool"); done
for module in yaml-0.1 libturbojpeg libprotobuf-c libxxhash; do pkg-config --exists "$module" 2>/dev/null || missing+=("$module"); done
[ ${#missing[@]} -eq 0 ] && exit 0
cat <<TEXT
Missing: ${missing[*]}
Spack:   spack install cmake openmpi hdf5+mpi libyaml libjpeg-turbo libpng protobuf-c xxhash random123 openblas onednn cunit py-onnx (for onnx.proto: -DONNX_PROTO_DIR=...)
Modules: module load gcc cmake openmpi hdf5 (parallel) openblas    (names differ between sites)
TEXT
exit 1
