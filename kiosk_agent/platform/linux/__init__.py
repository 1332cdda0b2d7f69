"""A poste that runs Linux."""
