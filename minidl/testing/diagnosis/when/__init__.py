"""Second engine: when is the gradient correct?

`interventions` changes one part of the call at a time, `linearity` scales the upstream gradient, `jumps` follows
forward along one entry, and `caches` removes values kept between calls.
"""
