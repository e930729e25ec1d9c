"""A memory of two results: packing, scratch size and cost of an operation all want its sparse form."""

import functools


def remembered(method):
    """Keep the last two results of ``method(self, op, kernel)``, by the operation and the kernel's group."""
    kept = []

    @functools.wraps(method)
    def call(self, op, kernel):
        for known, group, result in kept:
            if known is op and group == kernel.group:
                return result
        result = method(self, op, kernel)
        kept.append((op, kernel.group, result))
        del kept[:-2]
        return result

    return call
