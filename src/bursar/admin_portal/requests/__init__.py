"""What learners have answered: requests for more time that wait for a decision, and who declined."""
