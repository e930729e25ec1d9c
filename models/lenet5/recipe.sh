#!/bin/sh
# Every net of this folder from MNIST's files, or only the variants that are named behind them. What was stopped goes on
# from lenet5.run/, and what is finished is not done again.
set -e
mnist=${1:?usage: sh models/lenet5/recipe.sh MNIST [dense] [magnitude] [simd] [nodes] [scalpel]}
shift

run=lenet5.run
net="models/lenet5/deploy.prototxt models/lenet5/weights.caffemodel"
recipe="--lr 0.05 --schedule cosine --weight-decay 1e-4 --augment shift --precision bf16 --threads 1"

dense() {
    scalpel-rt train models/lenet5/deploy.prototxt --data "$mnist" --output models/lenet5/weights.caffemodel \
        --epochs 16 --lr 0.05 --schedule cosine --warmup 1 --weight-decay 5e-4 --augment shift --threads 1 \
        --checkpoint $run/dense
}

magnitude() {
    scalpel-rt prune $net magnitude --sparsity 0.95 --scope global --stages 2 --data "$mnist" $recipe --epochs 1 \
        --last-epochs 7 --folder $run/magnitude -o models/lenet5/magnitude.safetensors
}

simd() {
    scalpel-rt prune $net simd --width 8 --sparsity 0.969 --scope global --stages 3 --data "$mnist" $recipe --epochs 1 \
        --last-epochs 14 --folder $run/simd -o $run/simd.safetensors
    scalpel-rt prune $run/simd.safetensors simd --width 8 --sparsity 0.968 --scope global --data "$mnist" $recipe \
        --lr 0.003 --augment none --epochs 3 --folder $run/simd.more -o models/lenet5/simd.safetensors
}

nodes() {
    scalpel-rt prune $net nodes --penalty conv1=0.02,0.04,0.06,0.08 --penalty conv2=0.02,0.04,0.06,0.08 \
        --penalty ip1=0.006,0.01,0.015,0.025 --learn-epochs 1 --data "$mnist" $recipe --epochs 0 --last-epochs 18 \
        --folder $run/nodes -o models/lenet5/nodes
}

scalpel() {
    scalpel-rt scalpel $net --data "$mnist" $recipe --budget 0.1 --width 8 --axis in --penalties 0.02 --learn-epochs 1 \
        --sparsities 0.93 --epochs 9 --folder $run/scalpel -o $run/scalpel
    cp $run/scalpel/net.safetensors models/lenet5/scalpel.safetensors
}

mkdir -p $run
every="dense magnitude simd nodes scalpel"
for variant in ${*:-$every}; do
    case " $every " in *" $variant "*) ;; *) echo "no variant $variant, but $every" >&2; exit 2 ;; esac
    $variant
done
