#!/bin/sh
# Every net of this folder from MNIST's files, or only the variants that are named behind them. What was stopped goes on
# from lenet_300_100.run/, and what is finished is not done again.
set -e
mnist=${1:?usage: sh models/lenet_300_100/recipe.sh MNIST [dense] [magnitude] [simd] [nodes] [scalpel]}
shift

run=lenet_300_100.run
net="models/lenet_300_100/deploy.prototxt models/lenet_300_100/weights.caffemodel"
recipe="--lr 0.05 --schedule cosine --weight-decay 1e-4 --augment shift --threads 1"

dense() {
    scalpel-rt train models/lenet_300_100/deploy.prototxt --data "$mnist" \
        --output models/lenet_300_100/weights.caffemodel --epochs 40 --lr 0.05 --schedule cosine --warmup 1 \
        --weight-decay 5e-4 --augment shift --threads 1 --checkpoint $run/dense
}

magnitude() {
    scalpel-rt prune $net magnitude --sparsity 0.95 --scope global --stages 3 --data "$mnist" $recipe --epochs 2 \
        --last-epochs 7 --budget 0.1 --folder $run/magnitude -o models/lenet_300_100/magnitude.safetensors
}

simd() {
    scalpel-rt prune $net simd --width 8 --sparsity 0.925 --scope global --stages 4 --data "$mnist" $recipe --epochs 6 \
        --budget 0.1 --folder $run/simd -o models/lenet_300_100/simd.safetensors
}

nodes() {
    scalpel-rt prune $net nodes --penalty 0.006 --learn-epochs 3 --data "$mnist" $recipe --epochs 12 --budget 0.1 \
        --folder $run/nodes -o models/lenet_300_100/nodes
}

scalpel() {
    scalpel-rt scalpel $net --data "$mnist" $recipe --budget 0.1 --width 8 --axis in \
        --sparsities 0.7,0.85,0.91,0.93,0.94 --epochs 7 --folder $run/scalpel -o $run/scalpel
    cp $run/scalpel/net.safetensors models/lenet_300_100/scalpel.safetensors
}

mkdir -p $run
every="dense magnitude simd nodes scalpel"
for variant in ${*:-$every}; do
    case " $every " in *" $variant "*) ;; *) echo "no variant $variant, but $every" >&2; exit 2 ;; esac
    $variant
done
