"""Third engine: where in the source does an edit make the gradient right?

`repairs` tries the `alterations` of each place that `edits` finds in the functions of `source`. `sublayers` tells which
inner layer backward leaves out, `upcast` where float64 comes in.
"""
