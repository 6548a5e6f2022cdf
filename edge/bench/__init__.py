"""Measurements of this device: what ``hearten bench`` runs, a module for each kind."""
