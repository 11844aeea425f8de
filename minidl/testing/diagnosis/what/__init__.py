"""First engine: what is the wrong gradient to the right one?

`relations` tries operations on the whole array, `formulas` the expressions that it or the difference is equal to,
`statistics` the terms through a mean or a norm, `jacobian` single dependences, `regions` the conditions under which it
is wrong, `precision` lost digits. `quantities` names the numbers and arrays that they try.
"""
