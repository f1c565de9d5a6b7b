"""What each command does: look up what is named, call one verb, put the answer into words. Loaded after Django."""
