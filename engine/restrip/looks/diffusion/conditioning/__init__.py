"""What steers the picture beside the noise: prompts, ControlNets, mattes."""
