"""First engine: what is the wrong gradient compared with the correct one?

`relations` tries operations on the whole array, `jacobian` individual dependences, `regions` the conditions under which
the gradient is wrong, and `precision` lost digits. `quantities` names the numbers and arrays that the others try.
"""
