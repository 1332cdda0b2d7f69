"""The number of the wire protocol, and when it changes.

The major version stands in every topic (`ppm/v1/...`). Within a major version fields are added, never
renamed, retyped nor removed, and a receiver ignores fields that it does not know: an old poste works with
a new controller. `PROTOCOL` counts these additions. A change that breaks that promise needs a new major
version, spoken beside the old one until the last poste has moved.
"""

MAJOR = 1
PROTOCOL = 1
