"""Second engine: when is the gradient right?

`interventions` changes the call in one thing each, `linearity` the upstream gradient, `jumps` follows forward along an
entry, and `caches` takes away what is kept between calls.
"""
