#!/bin/sh
# Every net of this folder from CIFAR-10's binaries, or only the variants that are named behind them, of which the dense
# one comes first. What was stopped goes on from convnet.run/, and what is finished is not done again.
set -e
cifar10=${1:?usage: sh models/convnet/recipe.sh CIFAR10 [dense] [simd] [nodes] [scalpel] [magnitude]}
shift

run=convnet.run
net="models/convnet/train.prototxt $run/dense/net.caffemodel"
data="--mean auto --scale 0.015625 --nesterov --schedule cosine --threads 1"
recipe="$data --augment flip-shift --batch 64 --lr 0.05 --weight-decay 3e-4"

dense() {
    scalpel-rt train models/convnet/train.prototxt --data "$cifar10" $data --augment flip-crop --epochs 16 --lr 0.1 \
        --warmup 1 --weight-decay 5e-4 --checkpoint $run/dense/checkpoint -o $run/dense/net.caffemodel
    scalpel-rt fold $net --equalize -o models/convnet/weights.caffemodel
}

simd() {
    scalpel-rt prune $net simd --width 8 --sparsity 0.703 --scope global --data "$cifar10" $recipe --epochs 30 \
        --folder $run/simd -o $run/simd/net
    finish models/convnet/simd.safetensors
}

nodes() {
    scalpel-rt prune $net nodes --penalty 0.02,0.03,0.04,0.05,0.055 --learn-epochs 0.25 --learn-lr 0.0001 \
        --data "$cifar10" $recipe --epochs 0 --last-epochs 30 --folder $run/nodes -o $run/nodes/net
    finish models/convnet/nodes
}

scalpel() {
    scalpel-rt scalpel $net --data "$cifar10" $recipe --epochs 24 --budget 0.3 --width 8 --axis in --penalties 0.02 \
        --sparsities 0.5,0.62 --learn-epochs 0.25 --learn-lr 0.0001 --folder $run/scalpel -o $run/scalpel
    finish models/convnet/scalpel.safetensors
}

magnitude() {
    scalpel-rt prune $net magnitude --sparsity 0.75 --scope global --data "$cifar10" $recipe --epochs 24 \
        --folder $run/magnitude -o $run/magnitude/net
    finish models/convnet/magnitude.safetensors
}

finish() {
    python models/convnet/finish.py $run/$variant/net.prototxt $run/$variant/net.caffemodel $1
}

every="dense simd nodes scalpel magnitude"
for variant in ${*:-$every}; do
    case " $every " in *" $variant "*) ;; *) echo "no variant $variant, but $every" >&2; exit 2 ;; esac
    mkdir -p $run/$variant
    $variant
done
