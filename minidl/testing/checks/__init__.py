"""The checks, one file per kind; importing this package registers all of them, in the order of the report."""

from minidl.testing.checks import (  # noqa: I001 - imported in the order of the report
    contract as contract,
    linear as linear,
    numeric as numeric,
    variations as variations,
    modes as modes,
    calls as calls,
    rows as rows,
    subgradient as subgradient,
    path_integral as path_integral,
    layout as layout,
    precision as precision,
    copies as copies,
)
