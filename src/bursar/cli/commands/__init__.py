"""What can be typed: every command with its arguments, options and an example. No Django, so that help is quick."""
