"""From a graph to a plan: who runs how. See :mod:`scalpel_rt.plan.build`."""
