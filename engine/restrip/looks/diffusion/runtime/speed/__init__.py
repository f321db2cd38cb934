"""Ways to have networks work faster that leave their pictures as they are: compiled blocks, recorded evaluations."""
