"""A memory of a few results: packing, scratch size and cost of one layer all want its sparse form, one after another."""

import functools


def remembered(method):
    """Keep the last two results of ``method(self, op, kernel)``, by the identity of the weights."""
    kept = []

    @functools.wraps(method)
    def call(self, op, kernel):
        weights, key = op.weights["w"], (self.name, kernel.group, op.attrs.get("group"))
        for w, k, result in kept:
            if w is weights and k == key:
                return result
        result = method(self, op, kernel)
        kept.append((weights, key, result))
        del kept[:-2]
        return result

    return call
