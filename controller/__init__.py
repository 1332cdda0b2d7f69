"""The controller: owns the time of every session and speaks with the postes of the sites it holds the lease of."""
