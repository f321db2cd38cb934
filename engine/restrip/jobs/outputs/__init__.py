"""What a job hands over: files in folders of the user's, the preview, the contact sheet."""
