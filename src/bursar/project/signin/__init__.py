"""How people sign in to the ready-made service; a host project brings its own."""
