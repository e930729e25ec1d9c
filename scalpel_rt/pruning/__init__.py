"""Pruning: a graph goes in, a smaller or sparser one comes out, the first is not touched.

``magnitude`` and ``simd`` choose weights that become zero (masks), ``nodes`` takes whole neurons and feature maps out
of everything that they run through (:mod:`.couple`), :mod:`scalpel_rt.train.masks` finds them by training, ``stages``
prunes and retrains by turns, ``scalpel`` decides for each layer what the machine rewards.
"""
