#!/bin/sh
# Every net of this folder from CIFAR-10's binaries, or only the variants that are named behind them, of which the dense
# one comes first, and nodes before Scalpel, which goes on from there. What was stopped goes on from nin.run/, and what is
# finished is not done again.
set -e
cifar10=${1:?usage: sh models/nin/recipe.sh CIFAR10 [dense] [simd] [nodes] [scalpel] [magnitude]}
shift

run=nin.run
net="models/nin/train.prototxt $run/dense/net.caffemodel"
data="--mean auto --scale 0.015625 --nesterov --schedule cosine --threads 1 --batch 64 --augment flip-shift"
recipe="$data --crop 24 --lr 0.04 --weight-decay 3e-4"
more="$data --lr 0.03 --weight-decay 5e-4"

dense() {
    scalpel-rt train models/nin/train.prototxt --data "$cifar10" $data --crop 24 --epochs 12 --lr 0.05 --warmup 1 \
        --weight-decay 5e-4 --checkpoint $run/dense/first -o $run/dense/first.caffemodel
    scalpel-rt train models/nin/train.prototxt $run/dense/first.caffemodel --data "$cifar10" $data --epochs 2 \
        --lr 0.02 --weight-decay 5e-4 --checkpoint $run/dense/more -o $run/dense/net.caffemodel
    scalpel-rt fold $net --equalize -o models/nin/weights.caffemodel
}

simd() {
    scalpel-rt prune $net simd --width 8 --sparsity 0.703 --scope global --data "$cifar10" $recipe --epochs 4 \
        --folder $run/simd -o $run/simd/first
    scalpel-rt prune $run/simd/first.prototxt $run/simd/first.caffemodel simd --width 8 --sparsity 0.703 \
        --scope global --data "$cifar10" $more --epochs 3 --folder $run/simd/more -o $run/simd/net
    finish -o models/nin/simd.safetensors
}

nodes() {
    scalpel-rt prune $net nodes --penalty 0.012 --learn-epochs 0.25 --learn-lr 0.0001 --data "$cifar10" $recipe \
        --epochs 6 --folder $run/nodes -o $run/nodes/first
    scalpel-rt train $run/nodes/first.prototxt $run/nodes/first.caffemodel --data "$cifar10" $more --epochs 5 \
        --checkpoint $run/nodes/more -o $run/nodes/net.caffemodel
    cp $run/nodes/first.prototxt $run/nodes/net.prototxt
    finish -o models/nin/nodes.prototxt -o models/nin/nodes.caffemodel
}

scalpel() {
    scalpel-rt scalpel $run/nodes/net.prototxt $run/nodes/net.caffemodel --data "$cifar10" $more --budget 0.3 \
        --width 8 --penalties none --sparsities 0.5 --epochs 5 --folder $run/scalpel -o $run/scalpel
    finish -o models/nin/scalpel.safetensors
}

magnitude() {
    scalpel-rt prune $net magnitude --sparsity 0.75 --scope global --data "$cifar10" $more --epochs 3 \
        --folder $run/magnitude -o $run/magnitude/net
    finish -o models/nin/magnitude.safetensors
}

finish() {
    scalpel-rt fold $run/$variant/net.prototxt $run/$variant/net.caffemodel "$@"
}

every="dense simd nodes scalpel magnitude"
for variant in ${*:-$every}; do
    case " $every " in *" $variant "*) ;; *) echo "no variant $variant, but $every" >&2; exit 2 ;; esac
    mkdir -p $run/$variant
    $variant
done
