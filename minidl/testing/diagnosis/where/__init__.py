"""Third engine: where in the source is the mistake?

`paths` freezes expressions of forward to find the path that backward leaves out. `repairs` tries the `alterations` of
each site that `edits` finds in the functions of `source`. `unused` finds what backward does not read, and `upcast` the
line where float64 is introduced.
"""
