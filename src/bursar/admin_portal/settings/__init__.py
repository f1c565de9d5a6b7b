"""What an organisation decides about itself: its mails, its reminders, who may do what, other systems, and who did what."""
