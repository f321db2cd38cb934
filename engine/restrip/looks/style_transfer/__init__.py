"""The built-in looks: small style networks that come with Restrip, and how their pictures fit the frame."""
