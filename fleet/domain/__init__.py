"""The rules, pure: no I/O, no clock, nothing but the standard library. Instants come in as arguments."""
