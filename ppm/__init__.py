"""The command line, the demo, the simulator: what composes the programs on one machine."""
