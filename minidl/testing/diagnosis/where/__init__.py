"""Third engine: where in the source does an edit make the gradient correct?

`repairs` tries the `alterations` of each site that `edits` finds in the functions of `source`. `unused` finds what
backward leaves out, and `upcast` the line where float64 is introduced.
"""
