"""The rules and the memory of the fleet, shared by the controller and the API."""
